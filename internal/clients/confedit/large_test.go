package confedit_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// claudeConfig returns a text like that of ~/.claude.json, with a long history.
func claudeConfig() []byte {
	var b bytes.Buffer
	b.WriteString("{\n  \"numStartups\": 1024,\n  \"mcpServers\": {},\n  \"projects\": {")
	for project := range 20 {
		fmt.Fprintf(&b, "\n    \"/home/ann/src/project-%d\": {\n      \"allowedTools\": [],\n      \"history\": [", project)
		for entry := range 100 {
			fmt.Fprintf(&b, "\n        {\n          \"display\": \"why // does \\\"test %d\\\" /* fail? }]\\n\",\n          \"pastedContents\": {}\n        },", entry)
		}
		b.Truncate(b.Len() - 1)
		b.WriteString("\n      ],\n      \"mcpServers\": {\n        \"raff\": { \"command\": \"local\" }\n      }\n    },")
	}
	b.Truncate(b.Len() - 1)
	b.WriteString("\n  }\n}")
	return b.Bytes()
}

func TestLargeFile(t *testing.T) {
	t.Parallel()
	s := sample{syntax: confedit.JSON(), section: []string{"mcpServers"}, before: claudeConfig()}
	if len(s.before) < 200_000 {
		t.Fatalf("got %d bytes", len(s.before))
	}
	s.archive = corpus(t)[0].archive
	testEdits(t, s)
	s.section = []string{"projects", "/home/ann/src/project-7", "mcpServers"}
	testEdits(t, s)
}

func BenchmarkSetLargeFile(b *testing.B) {
	text := claudeConfig()
	for b.Loop() {
		if _, err := confedit.JSON().Set(text, []string{"mcpServers"}, "raff", first); err != nil {
			b.Fatal(err)
		}
	}
}
