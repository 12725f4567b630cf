package confedit

import (
	"errors"
	"testing"
)

// The check of a result finds every kind of mistake that an edit could make.
func TestWrongEditIsRefused(t *testing.T) {
	t.Parallel()
	value := Object{{"command", "x"}}
	section := []string{"servers"}
	jsonText := []byte(`{"servers": {"a": [1, 2]}, "b": 3}`)
	tomlText := []byte("b = 3\n\n[servers.a]\nlist = [1, 2]\n")
	for _, tt := range []struct{ name, json, toml string }{
		{"the entry is missing", `{"servers": {"a": [1, 2]}, "b": 3}`, "b = 3\n[servers.a]\nlist = [1, 2]\n"},
		{"the entry has another value", `{"servers": {"a": [1, 2], "raff": {"command": "y"}}, "b": 3}`, "b = 3\n[servers.a]\nlist = [1, 2]\n[servers.raff]\ncommand = 'y'\n"},
		{"it does not parse", `{"servers": {"a": [1, 2], "raff": {"command": "x"}}, "b": 3`, "b = 3\n[servers.a]\nlist = [1, 2]\n[servers.raff]\ncommand = 'x\n"},
		{"another member is missing", `{"servers": {"a": [1, 2], "raff": {"command": "x"}}}`, "[servers.a]\nlist = [1, 2]\n[servers.raff]\ncommand = 'x'\n"},
		{"another entry is missing", `{"servers": {"raff": {"command": "x"}}, "b": 3}`, "b = 3\n[servers.raff]\ncommand = 'x'\n"},
		{"another value differs", `{"servers": {"a": [1, 2.0], "raff": {"command": "x"}}, "b": 3}`, "b = 3\n[servers.a]\nlist = [1, 2.0]\n[servers.raff]\ncommand = 'x'\n"},
		{"there is one member more", `{"servers": {"a": [1, 2], "raff": {"command": "x"}}, "b": 3, "c": 4}`, "b = 3\nc = 4\n[servers.a]\nlist = [1, 2]\n[servers.raff]\ncommand = 'x'\n"},
		{"the section is another", `{"servers": {"a": [1, 2]}, "b": 3, "server": {"raff": {"command": "x"}}}`, "b = 3\n[servers.a]\nlist = [1, 2]\n[server.raff]\ncommand = 'x'\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range []jsonSyntax{{}, {comments: true}} {
				d, err := s.parse(jsonText)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := s.finish(d, []splice{{0, len(jsonText), tt.json}}, section, "raff", value); !errors.Is(err, errInconsistent) {
					t.Errorf("got %q, %v", got, err)
				}
			}
			d, err := parseTOML(tomlText)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := (tomlSyntax{}).finish(d, []splice{{0, len(tomlText), tt.toml}}, section, "raff", value); !errors.Is(err, errInconsistent) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		got, want any
		same      bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"true", true, false}, {true, true, true}, {nil, "", false},
		{[]any{"a"}, []string{"a"}, true}, {[]any{"a", "b"}, []string{"a"}, false}, {[]any{1}, []string{"1"}, false}, {"a", []string{"a"}, false},
		{[]any{}, []string(nil), true}, {[]any{[]any{}}, []string{"a"}, false},
		{map[string]any{"a": "b"}, Object{{"a", "b"}}, true}, {map[string]any{"a": "b", "c": "d"}, Object{{"a", "b"}}, false},
		{map[string]any{"b": "b"}, Object{{"a", "b"}}, false}, {map[string]any{}, Object(nil), true}, {"a", Object{}, false},
		{map[string]any{"a": "1", "b": true}, Object{{"b", true}, {"a", "1"}}, true},
	} {
		if got := same(tt.got, tt.want); got != tt.same {
			t.Errorf("same(%v, %v): got %t", tt.got, tt.want, got)
		}
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	value := Object{{"command", "x"}, {"args", []string{}}, {"env", Object{{"A", "b"}}}}
	const want = `{
  "a/b~c": {
    "raff": {
      "command": "x",
      "args": [],
      "env": {
        "A": "b"
      }
    }
  }
}
`
	for _, s := range []Syntax{JSON(), JSONC()} {
		if got := string(s.Format([]string{"a/b~c"}, "raff", value)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
