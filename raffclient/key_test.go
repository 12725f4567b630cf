package raffclient_test

import (
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

func TestParseKey(t *testing.T) {
	for _, text := range []string{"raff_x", "raff_0123456789abcdef", "raff_pub_a+b/c=", "raff_" + strings.Repeat("f", 64)} {
		if key, err := raffclient.ParseKey(text); err != nil || key.Reveal() != text {
			t.Errorf("%q: got %q, %v", text, key.Reveal(), err)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"", "no API key"},
		{"Raff_x", "does not begin"},
		{"raff_", "ends after"},
		{"raff_x y", "cannot be sent"},
		{"raff_x\n", "cannot be sent"},
		{"raff_é", "cannot be sent"},
		{"raff_\xff", "cannot be sent"},
	} {
		key, err := raffclient.ParseKey(tt.text)
		if err == nil || !key.IsZero() || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %q, %v; want an error with %q", tt.text, key.Reveal(), err, tt.want)
		}
	}
}

func TestRedactKeys(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"RAFF_API_KEY_FILE is not set", "RAFF_API_KEY_FILE is not set"},
		{"prefix raff_01234567", "prefix raff_01234567"},
		{"a raff_0123456789abcdef b raff_pub_xxxxx", "a raff_01234567…[redacted] b raff_pub_xxxx…[redacted]"},
	} {
		if got := raffclient.RedactKeys(tt.text); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

// Of several keys none is shown, whatever separates them.
func TestRedactsEveryKey(t *testing.T) {
	const first, second = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	for _, between := range []string{"", " ", "\n", "\r\n", "\t", "\x00", "\u200b", "\u2028", ",", "_", "-", "\n\n"} {
		for _, underscore := range []string{"_", "\u200b_", "%5F", "-"} {
			text := strings.Repeat("raff"+underscore+first+between+"raff"+underscore+second+between, 3)
			for name, got := range map[string]string{"RedactKeys": raffclient.RedactKeys(text), "Sanitize": raffclient.Sanitize(text)} {
				if strings.Contains(got, first[8:]) || strings.Contains(got, second[8:]) {
					t.Errorf("%s with %q between keys with %q: got %q", name, between, underscore, got)
				}
			}
		}
	}
}

func TestIsKeyPrefix(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "raff_0123456": false, "raff_01234567": true, "raff_pub-Xy_z": true, "raff_012345678": false, "raff_01234567\n": false, "RAFF_01234567": false,
	} {
		if got := raffclient.IsKeyPrefix(text); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}

func TestContainsKey(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                  false,
		"/home/u/raff_production/key":       false,
		"/home/u/raff_01234567":             true,
		"store --key raff_0123456789abcdef": true,
	} {
		if got := raffclient.ContainsKey(text); got != want {
			t.Errorf("%q: got %t, want %t", text, got, want)
		}
	}
}

// Without a client there is no own key to redact, but everything that looks like one.
func TestSanitize(t *testing.T) {
	got := raffclient.Sanitize("two\r\nlines \u202ewith raff_0123456789abcdef")
	if want := "two lines with raff_01234567…[redacted]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
