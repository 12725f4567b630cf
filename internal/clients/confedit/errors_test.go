package confedit_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// Nothing that cannot be edited safely is edited. The error says where the problem is and
// what to do, and quotes no value.
func TestRefused(t *testing.T) {
	t.Parallel()
	const secret = "raff_5ecre7"
	for _, tt := range []struct {
		name   string
		syntax confedit.Syntax
		text   string
		want   string
	}{
		{"not JSON", confedit.JSON(), "{\n  \"a\": " + secret + "\n}", "it is not valid JSON (line 2, column 8). Correct it there, and try again."},
		{"a missing comma", confedit.JSONC(), "{\n  \"a\": \"" + secret + "\"\n  \"b\": 1\n}", "it is not valid JSON (line 3, column 3). "},
		{"an invalid literal", confedit.JSONC(), "{\"a\": " + secret + "}", "it is not valid JSON (line 1, column 7). "},
		{"an invalid string", confedit.JSONC(), "{\"a\": \"" + secret + "\x01\"}", "it is not valid JSON (line 1, column 7). "},
		{"an incomplete file", confedit.JSONC(), "{\n  \"a\": {\n", "it is not valid JSON (line 3, column 1). "},
		{"an open comment", confedit.JSONC(), "{} /* " + secret, "it is not valid JSON"},
		{"two values", confedit.JSONC(), "{} {}", "it is not valid JSON (line 1, column 4). "},
		{"UTF-16", confedit.JSONC(), "\xff\xfe{\x00}\x00", "it is not valid JSON (line 1, column 1). "},
		{"comments in strict JSON", confedit.JSON(), "{\n  // " + secret + "\n}", "it contains comments or trailing commas, which the program that reads it does not accept (line 2, column 3). Remove them, and try again."},
		{"a trailing comma in strict JSON", confedit.JSON(), "{\"a\": 1,\n}", "it contains comments or trailing commas, which the program that reads it does not accept (line 2, column 1). "},
		{"a list", confedit.JSON(), "\n[]", "it does not contain a JSON object (line 2, column 1). "},
		{"null", confedit.JSONC(), "null", "it does not contain a JSON object (line 1, column 1). "},
		{"a list as section", confedit.JSON(), "{\"servers\": [\"" + secret + "\"]}", `"servers" is not an object (line 1, column 13). `},
		{"a string as section", confedit.JSONC(), "{\"servers\": \"" + secret + "\"}", `"servers" is not an object (line 1, column 13). `},
		{"a section twice", confedit.JSONC(), "{\n\"servers\": {},\n\"\\u0073ervers\": {}\n}", `"servers" occurs twice (line 3, column 1). Remove one of them, and try again.`},
		{"an entry twice", confedit.JSON(), "{\"servers\": {\"raff\": {}, \"raff\": {}}}", `"servers.raff" occurs twice (line 1, column 26). `},
		{"deep nesting", confedit.JSONC(), strings.Repeat("[", 20_000_000), "its values are nested too deeply. "},
		{"deep nesting behind comments", confedit.JSONC(), "{\"a\": " + strings.Repeat("[/*]*/", 100_000), "its values are nested too deeply. "},

		{"not TOML", confedit.TOML(), "a = 1\nb = " + secret + "\n", "it is not valid TOML (line 2, column 5). Correct it there, and try again."},
		{"a key twice", confedit.TOML(), "a = 1\na = \"" + secret + "\"\n", "it is not valid TOML (line 2, column 1). "},
		{"a table twice", confedit.TOML(), "[servers.raff]\n[servers.raff]\n", "it is not valid TOML (line 2, column 2). "},
		{"a table that is inline", confedit.TOML(), "x.servers = 1\n[servers]\nraff = 1\n[servers.raff.env]\n", "it is not valid TOML"},
		{"an open string", confedit.TOML(), "a = \"" + secret, "it is not valid TOML (line 1, column "},
		{"a string as table", confedit.TOML(), "servers = \"" + secret + "\"\n", `"servers" is not a table. `},
		{"an array of tables as section", confedit.TOML(), "[[servers]]\nkey = \"" + secret + "\"\n", `"servers" is not a table. `},
		{"dotted keys in an inline table", confedit.TOML(), "x = 1\nservers = { raff.key = \"" + secret + "\" }\n", `"servers" is an inline table that this program cannot edit (line 2, column 1). Add this to it by hand: raff = { command = "/bin/raff-mcp", env = { A = "b" } }.`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			value := confedit.Object{{Name: "command", Value: "/bin/raff-mcp"}, {Name: "env", Value: confedit.Object{{Name: "A", Value: "b"}}}}
			text, err := tt.syntax.Set([]byte(tt.text), []string{"servers"}, "raff", value)
			if text != nil || err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Fatalf("got %q, %v, want error %q", text, err, tt.want)
			}
			if _, ok := errors.AsType[*confedit.Error](err); !ok {
				t.Errorf("got a %T", err)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error quotes a value: %v", err)
			}
			if form := regexp.MustCompile(`^[^.].+\. [A-Z].+\.$`); !form.MatchString(err.Error()) {
				t.Errorf("the error has another form: %v", err)
			}
		})
	}
}

func TestRemoveFromInlineTableIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"servers = { raff.command = \"x\", b = 1 }\n",
		"servers = {\n  a = 1, # about a\n  raff = { command = \"x\" },\n}\n",
		"servers = { # about raff\n  raff = { command = \"x\" } }\n",
	} {
		got, err := confedit.TOML().Remove([]byte(text), []string{"servers"}, "raff")
		const want = `"servers" is an inline table that this program cannot edit (line 1, column 1). Remove the entry from it by hand.`
		if got != nil || err == nil || err.Error() != want {
			t.Errorf("%q: got %q, %v, want error %q", text, got, err, want)
		}
	}
}

// A value of a type that no file can contain is a mistake of the caller, not written as
// something else.
func TestUnknownTypeIsRefused(t *testing.T) {
	t.Parallel()
	for _, syntax := range []confedit.Syntax{confedit.JSON(), confedit.JSONC(), confedit.TOML()} {
		for _, value := range []any{nil, 1, []int{1}, map[string]any{}} {
			if text, err := syntax.Set(nil, []string{"servers"}, "raff", confedit.Object{{Name: "a", Value: value}}); err == nil {
				t.Errorf("%T, %v: got %q", syntax, value, text)
			}
		}
	}
}
