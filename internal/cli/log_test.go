package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lmittmann/tint"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// logged returns what log writes to the logger that it is called with.
func logged(level slog.Level, format string, color bool, log func(*slog.Logger)) string {
	var buf bytes.Buffer
	out := newSink(&buf)
	log(newLogger(out, level, format, color))
	out.close()
	return buf.String()
}

func TestLoggerText(t *testing.T) {
	text := logged(slog.LevelInfo, "text", false, func(log *slog.Logger) {
		log.Debug("not logged")
		log.With("a", 1).WithGroup("g").Warn("slow answer", "status", 503, "why", "too busy", slog.Attr{})
	})
	at, got, _ := strings.Cut(text, " ")
	if logged, err := time.Parse(time.RFC3339, at); err != nil || time.Since(logged) > time.Minute {
		t.Errorf("got time %q (%v), want the date and the time", at, err)
	}
	if want := "WRN slow answer a=1 g.status=503 g.why=\"too busy\"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoggerJSON(t *testing.T) {
	text := logged(slog.LevelDebug, "json", true, func(log *slog.Logger) {
		log.Debug("asked", "path", "/a\n\x1b[31m\u202eb", "n", 1, "error", errors.New("b\x1b"))
	})
	var got struct {
		Level, Msg, Path, Error string
		N                       int
	}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got.Level != "DEBUG" || got.Msg != "asked" || got.Path != "/a␊␛[31m?b" || got.N != 1 || got.Error != "b␛" {
		t.Errorf("got %+v", got)
	}
	if strings.ContainsAny(text, "\x1b\u202e") || strings.Contains(text, `\u`) {
		t.Errorf("a control character in %q", text)
	}
}

func TestLoggerColor(t *testing.T) {
	for _, color := range []bool{true, false} {
		text := logged(slog.LevelInfo, "text", color, func(log *slog.Logger) { log.Error("no") })
		if got := strings.Contains(text, "\x1b["); got != color {
			t.Errorf("color %v: got %q", color, text)
		}
	}
}

// A record is one line without control characters, whatever text it contains.
func TestLoggerShowsControlCharacters(t *testing.T) {
	for _, color := range []bool{true, false} {
		for _, text := range []string{
			"a\nb c", "a\r\nb", "\x1b[2J\x1b]0;title\x07 x", `literal \x1b[2J x`, "\u009b31m", "a\x7fb",
			"a\xffb c", "a\u202eb", "\x00", "a\tb", "\ufffdb", `"quoted" a=b`,
		} {
			for place, log := range map[string]func(*slog.Logger){
				"message":      func(l *slog.Logger) { l.Info(text) },
				"attribute":    func(l *slog.Logger) { l.Info("m", "k", text) },
				"named msg":    func(l *slog.Logger) { l.Info("m", "msg", text) },
				"error":        func(l *slog.Logger) { l.Info("m", "err", errors.New(text)) },
				"tinted error": func(l *slog.Logger) { l.Info("m", tint.Err(errors.New(text))) },
				"bytes":        func(l *slog.Logger) { l.Info("m", "k", []byte(text)) },
				"text":         func(l *slog.Logger) { l.Info("m", "k", marshaler(text)) },
				"with":         func(l *slog.Logger) { l.With("k", text).WithGroup("g").Info("m", "k", text) },
			} {
				t.Run(fmt.Sprintf("%s %q color=%v", place, text, color), func(t *testing.T) {
					got := withoutTint(logged(slog.LevelInfo, "text", color, log), color)
					line, ok := strings.CutSuffix(got, "\n")
					if !ok || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e }) {
						t.Errorf("got %q", got)
					}
				})
			}
		}
	}
}

type marshaler string

func (m marshaler) MarshalText() ([]byte, error) { return []byte(m), nil }

// withoutTint removes the escape sequences that tint itself writes.
func withoutTint(s string, color bool) string {
	if !color {
		return s
	}
	return strings.NewReplacer("\x1b[0m", "", "\x1b[2m", "", "\x1b[22m", "", "\x1b[92m", "", "\x1b[91m", "", "\x1b[2;91m", "").Replace(s)
}

// A value is not truncated at an invalid byte.
func TestLoggerKeepsText(t *testing.T) {
	for _, color := range []bool{true, false} {
		text := logged(slog.LevelInfo, "text", color, func(log *slog.Logger) { log.Info("m", "k", "before\xffafter") })
		if !strings.Contains(text, "before?after") {
			t.Errorf("color %v: got %q", color, text)
		}
	}
}

func TestLoggerRedactsSecrets(t *testing.T) {
	secret := raffclient.NewSecret(planted)
	for _, format := range []string{"text", "json"} {
		text := logged(slog.LevelInfo, format, false, func(log *slog.Logger) {
			log.Info("m", "k", secret, "p", &secret, "s", struct{ Key raffclient.Secret }{secret})
		})
		if strings.Contains(text, planted) || !strings.Contains(text, "[redacted]") {
			t.Errorf("%s: got %q", format, text)
		}
	}
}

// The path of a request contains arguments and part of the API's address. The
// client removes keys and unprintable characters from it; the log keeps what remains on
// one line (see TestLoggerShowsControlCharacters).
func TestRequestPathIsSanitized(t *testing.T) {
	api := sandbox.New()
	const other = "raff_0123456789abcdef0123456789abcdef"
	for _, format := range []string{"text", "json"} {
		for _, baseURL := range []string{"", "http://localhost/" + api.OwnerKey().Reveal() + "/" + other + "%1b[2J%0aline%e2%80%ae"} {
			text := logged(slog.LevelDebug, format, false, func(log *slog.Logger) {
				c, err := raffclient.New(raffclient.Config{APIKey: api.OwnerKey(), BaseURL: baseURL, Transport: api.Transport(), Logger: log})
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range []string{api.OwnerKey().Reveal(), other, "x\x1b[2J\nline\u202e", "../" + other} {
					if _, err := c.GetAPIKey(t.Context(), id); err == nil {
						t.Errorf("%q: no error", id)
					}
				}
			})
			if got := strings.Count(text, "request failed"); got != 4 {
				t.Errorf("got %d lines about a request that failed, want 4: %s", got, text)
			}
			for _, bad := range []string{api.OwnerKey().Reveal(), other, "\x1b", "u001b", "␛", "\u202e", `u202e`, `\n`, "␊"} {
				if strings.Contains(strings.ReplaceAll(text, "\n", ""), bad) {
					t.Errorf("%s: %q is in the log: %s", format, bad, text)
				}
			}
		}
	}
}
