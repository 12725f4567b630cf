package raffclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const planted = "raff_0123456789abcdefPLANTED"

// Only Reveal shows a Secret.
func TestSecretDoesNotShow(t *testing.T) {
	s := NewSecret(planted)
	type holder struct {
		Exported   Secret
		unexported Secret
		Pointer    *Secret
		list       []Secret
		byName     map[string]Secret
		any        any
	}
	h := holder{s, s, &s, []Secret{s}, map[string]Secret{"a": s}, s}

	var out bytes.Buffer
	for _, v := range []any{s, &s, h, &h, []Secret{s}, map[Secret]Secret{s: s}, errors.Join(fmt.Errorf("%v", s)), [1]holder{h}} {
		for _, verb := range strings.Split("%v %+v %#v %s %q %x %X %d %T %p %t %c %U %e", " ") {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
			log.Info("message", "key", v, slog.Any("any", v), slog.Group("g", "v", v))
		}
	}
	text, _ := s.MarshalText()
	out.Write(text)
	if strings.Contains(out.String(), "PLANTED") || strings.Contains(out.String(), fmt.Sprintf("%x", "PLANTED")) {
		t.Errorf("the secret shows in %s", out.String())
	}
	if got := fmt.Sprint(s); got != "[redacted]" {
		t.Errorf("got %q, want [redacted]", got)
	}
	if s.Reveal() != planted {
		t.Error("Reveal does not return the secret")
	}
}

func TestSecretFromJSON(t *testing.T) {
	var v struct{ A, B, C Secret }
	if err := json.Unmarshal([]byte(`{"A":"x","B":"","C":null}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.A.Reveal() != "x" || !v.B.IsZero() || !v.C.IsZero() {
		t.Errorf("got %q, %q, %q", v.A.Reveal(), v.B.Reveal(), v.C.Reveal())
	}
}

func TestSanitizeMessage(t *testing.T) {
	own := NewSecret("raff_own/key")
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"plain words", "plain words"},
		{"key raff_own/key.", "key [redacted]."},
		{"prefix raff_17d70fcf stays", "prefix raff_17d70fcf stays"},
		{"x=" + planted + "!", "x=raff_01234567…[redacted]!"},
		{"raff_pub_xxxxxxxxx", "raff_pub_xxxx…[redacted]"},
		{"two\r\nlines\x1b[31m\x00\u202e", "two lines [31m"},
		{strings.Repeat("ü", 400), strings.Repeat("ü", 300) + "…"},
	} {
		if got := sanitizeMessage(tt.text, own); got != tt.want {
			t.Errorf("sanitizeMessage(%q): got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func FuzzSanitizeMessage(f *testing.F) {
	for _, s := range []string{"", "x", planted, "raff_own/key", "raff_raff_own/keyraff_own/key", "\x00\xff\r\n", "raff_own\n/key"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := sanitizeMessage(text, NewSecret("raff_own/key"))
		if strings.Contains(got, "raff_own/key") {
			t.Errorf("sanitizeMessage(%q) left the key: %q", text, got)
		}
		if utf8.RuneCountInString(got) > maxText+1 || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("sanitizeMessage(%q): got %q", text, got)
		}
	})
}

// Whatever a response contains, salvaging it neither panics nor loses a secret that
// it contains.
func FuzzSalvage(f *testing.F) {
	for _, s := range []string{"", "{", `{"data":{"secret":"s"`, `{"secret":"s","data":5}`, `{"data":{"data":{"a":1}}}`, `[1]`, `{"a":{"b":[{"c":`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := salvage(text)
		if got != nil && !json.Valid(got) {
			t.Errorf("salvage(%q) is not JSON: %q", text, got)
		}
		if json.Valid(text) && bytes.HasPrefix(text, []byte("{")) && got != nil {
			var want, have map[string]any
			if json.Unmarshal(text, &want) == nil && json.Unmarshal(got, &have) == nil && len(have) != len(want) {
				t.Errorf("salvage(%q) lost members: %q", text, got)
			}
		}
	})
}

func TestUnescape(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{`raff_x`, `raff_x`},
		{`"raff\u005fx \u0072aff_\u007e"`, `"raff_x raff_~"`},
		{`"a\/b"`, `"a/b"`},
		{`"\"\u0022\\\u005c\n\u000a\u00fc\ud83d\udd11"`, `"\"\u0022\\\u005c\n\u000a\u00fc\ud83d\udd11"`},
		{`"\\u005f"`, `"\\u005f"`},
		{`\u005`, `\u005`},
		{`\`, `\`},
	} {
		if got := string(unescape([]byte(tt.text))); got != tt.want {
			t.Errorf("unescape(%s): got %s, want %s", tt.text, got, tt.want)
		}
	}
}

// JSON means the same without its escape sequences.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`{"a\u005fb":"\\u005f\u0022\/"}`, `"\\\\u0041"`, `"\ud83d\udd11"`, "\"\\\xff\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var want, got any
		if json.Unmarshal(text, &want) != nil {
			unescape(text)
			return
		}
		if err := json.Unmarshal(unescape(text), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("unescape(%q): got %v (%v), want %v", text, got, err, want)
		}
	})
}
