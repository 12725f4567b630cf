package confedit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/tailscale/hujson"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

func FuzzJSONC(f *testing.F) {
	for _, s := range corpus(f) {
		if s.syntax != confedit.TOML() {
			f.Add(s.before, s.section[len(s.section)-1], "raff")
			f.Add(bytes.ReplaceAll(s.before, []byte("\n"), []byte("\r\n")), s.section[len(s.section)-1], "a/b~c \"é\"")
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, section, name string) {
		testAnyText(t, confedit.JSONC(), text, section, name, decodeJSON)
		testAnyText(t, confedit.JSON(), text, section, name, decodeJSON)
	})
}

func FuzzTOML(f *testing.F) {
	for _, s := range corpus(f) {
		if s.syntax == confedit.TOML() {
			f.Add(s.before, s.section[len(s.section)-1], "raff")
			f.Add(bytes.ReplaceAll(s.before, []byte("\n"), []byte("\r\n")), s.section[len(s.section)-1], "a.b \"é\"")
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, section, name string) {
		testAnyText(t, confedit.TOML(), text, section, name, func(text []byte) (v map[string]any, err error) {
			return v, toml.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &v)
		})
	})
}

func decodeJSON(text []byte) (v map[string]any, err error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if text, err = hujson.Standardize(append(text[:len(text):len(text)], '\n')); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v)
}

// testAnyText checks what every edit promises, whatever the text is.
func testAnyText(t *testing.T, syntax confedit.Syntax, text []byte, section, name string, decode func([]byte) (map[string]any, error)) {
	original := bytes.Clone(text)
	path := []string{section}
	_, existed, err := syntax.Entry(text, path, name)
	set, setErr := syntax.Set(text, path, name, first)
	removed, removeErr := syntax.Remove(text, path, name)
	if !bytes.Equal(text, original) {
		t.Fatalf("the input changed: got %q, want %q", text, original)
	}
	if err != nil {
		if setErr == nil || removeErr == nil {
			t.Fatalf("got %v, %v, %v", err, setErr, removeErr)
		}
		return
	}
	for _, err := range []error{setErr, removeErr} {
		// The check of the result is for mistakes in this package, and none is known.
		if err != nil && strings.Contains(err.Error(), "trial edit") && utf8.ValidString(section) && utf8.ValidString(name) {
			t.Fatalf("the edit of %q was wrong", original)
		}
	}
	if setErr == nil {
		if again, err := syntax.Set(set, path, name, first); err != nil || !bytes.Equal(again, set) {
			t.Fatalf("set twice: got %q, %v, want %q", again, err, set)
		}
		if v, ok, err := syntax.Entry(set, path, name); err != nil || !ok || !reflect.DeepEqual(v, decoded(first)) {
			t.Fatalf("got %v, %t, %v in %q", v, ok, err, set)
		}
		if _, err := syntax.Remove(set, path, name); err != nil {
			t.Fatalf("remove from %q: %v", set, err)
		}
		compareOthers(t, original, set, section, name, decode)
		if _, isNull := nullSection(original, section, decode); !existed && !isNull && !isSubsequence(original, set) {
			t.Fatalf("adding took something away: got %q from %q", set, original)
		}
	}
	if removeErr == nil {
		compareOthers(t, original, removed, section, name, decode)
		if !isSubsequence(removed, original) {
			t.Fatalf("removing added something: got %q from %q", removed, original)
		}
	}
}

func nullSection(text []byte, section string, decode func([]byte) (map[string]any, error)) (any, bool) {
	values, _ := decode(text)
	v, ok := values[section]
	return v, ok && v == nil
}

// compareOthers checks that everything but an entry has the same value in two texts.
func compareOthers(t *testing.T, before, after []byte, section, name string, decode func([]byte) (map[string]any, error)) {
	t.Helper()
	got, err := decode(after)
	if err != nil && len(after) > 0 && !isBlank(before) {
		t.Fatalf("%q does not parse: %v", after, err)
	}
	want, _ := decode(before)
	for _, values := range []map[string]any{got, want} {
		inner, _ := values[section].(map[string]any)
		delete(inner, name)
		if len(inner) == 0 && (inner != nil || values[section] == nil) {
			delete(values, section)
		}
	}
	// The verb prints NaN like any other value; DeepEqual would find it different.
	if got, want := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); got != want && len(want) > len("map[string]interface {}(nil)") {
		t.Fatalf("got %q with\n%s, want\n%s", after, got, want)
	}
}

// isBlank reports whether a text has no content, apart from comments.
func isBlank(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	_, err := hujson.Parse(append(text[:len(text):len(text)], "\nnull"...))
	return err == nil
}
