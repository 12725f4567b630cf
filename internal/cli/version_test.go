package cli

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	const (
		revision = "17d70fcf0123456789abcdef0123456789abcdef"
		date     = "2026-11-24T23:10:40Z"
	)
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.time", Value: date}, {Key: "vcs.modified", Value: modified}}
	}
	for _, tt := range []struct {
		name string
		info *debug.BuildInfo
		want string
	}{
		{"a tagged commit", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}, Settings: vcs("false")},
			"raff-mcp 1.2.3\ncommit: " + revision + "\ndate:   " + date + "\ngo:     go"},
		{"an untagged commit with changes", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.4-0.20261124231040-17d70fcf0123+dirty"}, Settings: vcs("true")},
			"raff-mcp 1.2.4-0.20261124231040-17d70fcf0123+dirty\ncommit: " + revision + ", modified\ndate:   " + date + "\n"},
		{"a module of a proxy", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3", Sum: "h1:…"}},
			"raff-mcp 1.2.3\ncommit: not recorded\ndate:   not recorded\n"},
		{"go run", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "raff-mcp devel\ncommit: not recorded\n"},
		{"a test", &debug.BuildInfo{}, "raff-mcp devel\n"},
		{"no modules", nil, "raff-mcp devel\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := newBuild(tt.info).String(); !strings.HasPrefix(got, tt.want) || strings.Count(got, "\n") != 4 {
				t.Errorf("got %q, want %q and four lines", got, tt.want)
			}
		})
	}
}
