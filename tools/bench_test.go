package tools_test

import (
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools"
)

type instant struct{}

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	const body = `{"success":true,"data":{"id":"11111111-1111-4111-8111-111111111111","name":"ci","key_prefix":"raff_01234567","is_active":true,"created_at":"2027-01-01T00:00:00Z","secret":"raff_0123456789abcdef"}}`
	return &http.Response{StatusCode: 201, Header: http.Header{"X-Ratelimit-Limit": {"1000"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}, nil
}

func BenchmarkCall(b *testing.B) { benchmarkCall(b, nil) }

// BenchmarkCallWithActivityLog writes two lines for each call.
func BenchmarkCallWithActivityLog(b *testing.B) {
	log, err := activity.Open(activity.Config{Path: filepath.Join(b.TempDir(), "log")})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close(time.Minute)
	benchmarkCall(b, log)
}

func benchmarkCall(b *testing.B, log *activity.Log) {
	c, _ := raffclient.New(raffclient.Config{APIKey: raffclient.NewSecret("raff_x"), Transport: instant{}})
	s := tools.NewServer(tools.Config{Client: c, Activity: log})
	msg := json.RawMessage(mcptest.Call("1", "create_api_key", `{"name":"ci"}`))
	b.ReportAllocs()
	for b.Loop() {
		out := s.HandleMessage(b.Context(), msg)
		if _, err := json.Marshal(out); err != nil {
			b.Fatal(err)
		}
	}
}
