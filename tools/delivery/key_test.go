package delivery_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

func TestSanitized(t *testing.T) {
	uuid := ci.ID
	for _, tt := range []struct{ name, secret, text, want, wantPrefix string }{
		{"harmless", secret, "Production CI – 生产 🔑", "Production CI – 生产 🔑", "Production CI"},
		{"an ID", secret, uuid, uuid, uuid[:13]},
		{"the public prefix", secret, "raff_17d70fcf", "raff_17d70fcf", "raff_17d70fcf"},
		{"one character more", secret, secret[:14], "raff_17d70fcf[redacted]", "raff_17d70fcf"},
		{"the secret", secret, secret, "raff_17d70fcf[redacted]", "raff_17d70fcf"},
		{"the secret in a text", secret, "my " + secret + " key", "my raff_17d70fcf[redacted] key", "my raff_17d70"},
		{"the rest of it", secret, secret[13:], "[redacted]", "[redacted]"},
		{"its end", secret, "…" + secret[len(secret)-8:], "…[redacted]", "…[redacted]"},
		{"its last four", secret, "…" + secret[len(secret)-4:], "…" + secret[len(secret)-4:], "…" + secret[len(secret)-4:]},
		{"in upper case", secret, strings.ToUpper(secret), "RAFF_17D70FCF[redacted]", "RAFF_17D70FCF"},
		{"a secret that is all prefix", "raff_17d70fcf", "a raff_17d70fcf", "a [redacted]", "a [redacted]"},
		{"a short secret", "raff_17d70fcf2b8e", "raff_17d70fcf", "[redacted]", "[redacted]"},
		{"a tiny secret", "hunter2", "my hunter2 key", "my [redacted] key", "my [redacted] ke"},
		{"a secret with spaces", "raff_ab cd\nefghijklmn opq", "raff_ab cd\nefghijklmn opq", "raff_ab cd␊ef[redacted]", "raff_ab cd␊ef"},
		{"no secret", "", "raff_17d70fcf2b8e", "raff_17d70fcf2b8e", "raff_17d70fcf"},
		{"controls", secret, " \x00a\r\nRAFF_API_KEY=b\x1b[31m\u202ec\u200b\u2028d\ufeff ", " ␀a␍␊RAFF_API_KEY=b␛[31m?c??d? ", " ␀a␍␊RAFF_API"},
		{"controls in the secret", secret, secret[:20] + "\u200b" + secret[20:], "raff_17d70fcf[redacted]", "raff_17d70fcf"},
		{"divided by hyphens", secret, secret[:20] + "-" + secret[20:26] + "-" + secret[26:], "raff_17d70fcf[redacted]", "raff_17d70fcf"},
		{"not UTF-8", secret, "a\xff\xfe", "a??", "a??"},
		{"long", secret, strings.Repeat("ü", 100_000), strings.Repeat("ü", 127) + "…", strings.Repeat("ü", 13)},
		{"as long as may be", secret, strings.Repeat("ü", 128), strings.Repeat("ü", 128), strings.Repeat("ü", 13)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := delivery.Sanitized(delivery.Key{ID: tt.text, Name: tt.text, Prefix: tt.text}, tt.secret)
			if want := (delivery.Key{ID: tt.want, Name: tt.want, Prefix: tt.wantPrefix}); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func FuzzSanitized(f *testing.F) {
	f.Add("my ", secret, " key", 0, 69)
	f.Add("", "raff_17d70fcf", "", 0, 13)
	f.Add("\u202e", "hunter2", "\x00", 1, 4)
	f.Fuzz(func(t *testing.T, before, secret, after string, from, to int) {
		before, secret, after = strings.ToValidUTF8(before, "x"), strings.ToValidUTF8(secret, "x"), strings.ToValidUTF8(after, "x")
		from, to = min(max(from, 0), len(secret)), min(max(to, 0), len(secret))
		text := strings.ToValidUTF8(before+secret[min(from, to):max(from, to)]+after, "x")
		k := delivery.Sanitized(delivery.Key{ID: text, Name: text, Prefix: text}, secret)
		for _, got := range []string{k.ID, k.Name, k.Prefix} {
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q is not printable", got)
			}
			if n := utf8.RuneCountInString(got); n > 128*len("[redacted]") {
				t.Errorf("%q has %d characters", got, n)
			}
			if strings.TrimSpace(secret) != "" && strings.Contains(got, secret) && !strings.Contains("[redacted]", secret) {
				t.Errorf("%q contains the secret", got)
			}
			runes := []rune(secret)
			for i := 0; i+14 <= len(runes); i++ {
				if piece := string(runes[i : i+14]); strings.Contains(got, piece) && !strings.Contains(secret, "[redacted]") {
					t.Errorf("%q contains %q", got, piece)
				}
			}
		}
	})
}

// odd are keys that the API describes by their secret, or with other text that must
// not go where it goes.
var odd = []delivery.Key{
	{ID: secret, Name: secret, Prefix: secret},
	{ID: "id", Name: "ci", Prefix: secret},
	{ID: "id", Name: "my " + secret[13:], Prefix: secret[13:]},
	{ID: secret[:20], Prefix: secret[:14]},
	{ID: secret},
	{ID: strings.ToUpper(secret), Name: secret[:40] + "\n" + secret[40:]},
	{ID: "a\x00b", Name: "x\r\nRAFF_API_KEY=y\x1b[31m\u202e", Prefix: "raff_1\n"},
	{ID: strings.Repeat("i", 100_000), Name: strings.Repeat("ü", 100_000), Prefix: strings.Repeat("p", 100_000)},
	{Name: "'; rm -rf /", ID: "$(touch x)"},
}

// leaks reports whether text contains more of the secret than its prefix.
func leaks(text string) bool {
	for i := 6; i+8 <= len(secret); i++ {
		if strings.Contains(strings.ToLower(text), secret[i:i+8]) {
			return true
		}
	}
	return false
}

// Whatever the API says about a key, no part of its secret is in the name of a file,
// neither where secrets go nor where they are saved.
func TestOddKeyInFileName(t *testing.T) {
	for _, k := range odd {
		b := newBench(t, delivery.Config{Delivery: "file"})
		for _, dir := range []string{b.dir, b.recovery} {
			got, err := b.way.Deliver(t.Context(), k, raffclient.NewSecret(secret))
			if err != nil || filepath.Dir(got.Location) != dir || readFile(t, got.Location) != secret {
				t.Errorf("%.99q: got %+v, %v", k, got, err)
				continue
			}
			if name := filepath.Base(got.Location); leaks(name) || !safeName.MatchString(name) {
				t.Errorf("%.99q: got %s", k, name)
			}
			b.searchTexts(t, got, nil)
			destroy(t, b.dir) // so that the next one is recovered
		}
		if text := b.log.String(); len(text) > 4000 || strings.ContainsAny(strings.TrimRight(text, "\n"), "\n\r\x1b\x00\u202e") {
			t.Errorf("%.99q: got a log of %d bytes: %.999q", k, len(text), text)
		}
	}
}

// The same of a command's environment, which others can read.
func TestOddKeyInEnvironment(t *testing.T) {
	setOwnKey(t)
	b, left := newCommandBench(t, "takes", delivery.Config{})
	for _, k := range odd {
		got, err := b.way.Deliver(t.Context(), k, raffclient.NewSecret(secret))
		if err != nil || got.Delivery != "command" || readFile(t, filepath.Join(left, "got")) != secret {
			t.Errorf("%.99q: got %+v, %v", k, got, err)
		}
		environ := readFile(t, filepath.Join(left, "environ"))
		lines := strings.Split(environ, "\n")
		for _, variable := range lines {
			value, ours := strings.CutPrefix(variable, "RAFF_KEY_")
			if leaks(variable) || ours && (len(value) > 1000 || strings.ContainsAny(value, "\r\x1b\x00\u202e")) {
				t.Errorf("%.99q: got %.200q", k, variable)
			}
		}
		if slices.ContainsFunc(lines, func(v string) bool { return strings.HasPrefix(v, "RAFF_API_KEY") }) {
			t.Errorf("%.99q: a name has become a variable", k)
		}
	}
}
