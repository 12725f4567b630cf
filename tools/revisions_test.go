package tools_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
)

// revisions are the revisions of the protocol. In the last, there is no initialize.
var revisions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", stateless}

const stateless = "2026-07-28"

// exchange sends requests of that revision over the server's streams, and returns the
// responses as they were written. A request is a method and its params.
func exchange(t *testing.T, b *bench, revision string, requests ...[2]string) []json.RawMessage {
	t.Helper()
	var in bytes.Buffer
	encode := json.NewEncoder(&in)
	send := func(id int, method string, params map[string]any) {
		if err := encode.Encode(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params}); err != nil {
			t.Fatal(err)
		}
	}
	client := map[string]any{"name": "t", "version": "1"}
	if revision != stateless {
		send(0, "initialize", map[string]any{"protocolVersion": revision, "capabilities": map[string]any{}, "clientInfo": client})
	}
	for i, r := range requests {
		params := map[string]any{}
		if err := json.Unmarshal([]byte(r[1]), &params); err != nil {
			t.Fatal(err)
		}
		if revision == stateless {
			params["_meta"] = map[string]any{"io.modelcontextprotocol/protocolVersion": revision, "io.modelcontextprotocol/clientInfo": client, "io.modelcontextprotocol/clientCapabilities": map[string]any{}}
		}
		send(i+1, r[0], params)
	}
	var out bytes.Buffer
	if err := stdio.Serve(t.Context(), b.server, &in, &out, stdio.Config{}); err != nil {
		t.Fatal(err)
	}
	responses := make([]json.RawMessage, len(requests))
	for line := range strings.Lines(out.String()) {
		var response struct {
			ID     int
			Result json.RawMessage
			Error  json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &response); err != nil {
			t.Fatal(err)
		}
		if response.Error != nil {
			t.Fatalf("%s: got %s", revision, line)
		}
		if response.ID > 0 {
			responses[response.ID-1] = response.Result
		}
	}
	return responses
}

// What cannot change while the server runs may be kept; only the stateless revision can
// say so.
func TestCacheHints(t *testing.T) {
	for _, revision := range revisions {
		requests := [][2]string{{"tools/list", "{}"}, {"prompts/list", "{}"}}
		if revision == stateless {
			requests = append(requests, [2]string{"server/discover", "{}"})
		}
		for i, response := range exchange(t, newBench(t), revision, requests...) {
			var got struct {
				TTLMs      *int64
				CacheScope *string
			}
			if err := json.Unmarshal(response, &got); err != nil {
				t.Fatal(err)
			}
			switch {
			case revision != stateless && (got.TTLMs != nil || got.CacheScope != nil):
				t.Errorf("%s: %s has hints that the revision does not know: %+v", revision, requests[i][0], got)
			case revision == stateless && (got.TTLMs == nil || *got.TTLMs != 3600_000 || got.CacheScope == nil || *got.CacheScope != "private"):
				t.Errorf("%s: got %+v", requests[i][0], got)
			}
		}
	}
}
