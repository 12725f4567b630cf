package tools_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// elsewhere makes a bench whose secrets go elsewhere than into results, below home.
func elsewhere(t *testing.T, method, command string) (b *bench, home string) {
	t.Helper()
	home = t.TempDir()
	b = newBench(t, func(c *raffclient.Config, cfg *tools.Config) {
		way, err := delivery.New(t.Context(), delivery.Config{
			Delivery: method, Command: command, Logger: c.Logger,
			Dir: filepath.Join(home, "secrets"), Recovery: filepath.Join(home, "recovered"),
		})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Secrets = way
	})
	return b, home
}

// location returns where the result says that the secret is.
func location(t *testing.T, r result) string {
	t.Helper()
	var out struct{ Secret struct{ Location string } }
	if err := json.Unmarshal(r.StructuredContent, &out); err != nil || out.Secret.Location == "" {
		t.Fatalf("no location in %s", r.raw)
	}
	return out.Secret.Location
}

func needShell(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
}

// destroy makes sure that nothing can be put into the directory.
func destroy(t *testing.T, dir string) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// Wherever the secret goes, the result says all the rest and agrees with itself.
func TestSecretElsewhere(t *testing.T) {
	for _, tt := range []struct{ name, delivery, command, want string }{
		{"file", "file", "", "file"},
		{"command", "command", `sh -c 'cat >"$0"' GOT`, "command"},
		{"recovered", "command", `sh -c 'cat >&2; echo denied >&2; exit 1'`, "recovered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := filepath.Join(t.TempDir(), "got")
			if tt.command != "" {
				needShell(t)
			}
			b, _ := elsewhere(t, tt.delivery, strings.Replace(tt.command, "GOT", "'"+got+"'", 1))
			r := b.call(t, t.Context(), "create_api_key", `{"name":"Production CI","expires_at":"2100-01-01T00:00:00Z"}`)
			out := structured(t, r)
			conforms(t, "create_api_key", r)
			searchForKeys(t, string(r.raw)+b.log.String())

			key, where := b.made()[0], location(t, r)
			if s := out.Secret; !s.Sensitive || s.Delivery != tt.want || s.Value != "" || s.Note == "" || strings.Contains(string(r.StructuredContent), `"value"`) {
				t.Errorf("got %s", r.StructuredContent)
			}
			if string(r.Meta["com.rafftechnologies/sensitive"]) != `[]` {
				t.Errorf("got _meta %s, want the flag without a place", r.Meta)
			}
			if len(r.Content) != 2 || r.Content[1].Text != string(r.StructuredContent) || r.Content[1].Annotations != nil {
				t.Errorf("got %+v, want the result as text, for everybody", r.Content)
			}
			for _, want := range []string{`"Production CI"`, key.ID, key.Prefix, "2100-01-01T00:00:00Z", where, "not in this result"} {
				if !strings.Contains(r.text(), want) {
					t.Errorf("the text lacks %s: %s", want, r.text())
				}
			}
			if strings.Contains(r.text(), "secret.value") {
				t.Errorf("the text speaks of a value: %s", r.text())
			}

			if tt.want == "command" {
				where = got
			}
			text, err := os.ReadFile(where)
			if err != nil || !strings.HasPrefix(string(text), key.Prefix) || len(text) < 64 {
				t.Errorf("%s: got %d bytes, %v", where, len(text), err)
			}
			if recovered := strings.Contains(b.log.String(), key.ID) && strings.Contains(b.log.String(), where); recovered != (tt.want == "recovered") {
				t.Errorf("got log %s", b.log)
			}
			if tt.want == "recovered" && (!strings.Contains(out.Secret.Note, "failed (exit status 1)") || strings.Contains(string(r.raw)+b.log.String(), "denied")) {
				t.Errorf("the note lacks the exit status, or the command's words are quoted: %s", out.Secret.Note)
			}
		})
	}
}

// A way that cannot work is seen before anything is sent.
func TestWayNotReady(t *testing.T) {
	b, home := elsewhere(t, "file", "")
	destroy(t, filepath.Join(home, "secrets"))
	r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
	if !r.IsError || len(b.api.Requests()) != 0 {
		t.Fatalf("got %s after %d requests", r.raw, len(b.api.Requests()))
	}
	for _, want := range []string{"Nothing was created.", "--secrets=file", filepath.Join(home, "secrets"), "Fix that", "call create_api_key again"} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("got %q, want it to say %q", r.text(), want)
		}
	}
}

// lose makes a bench whose command takes no secret, and where nothing can be saved.
func lose(t *testing.T) *bench {
	t.Helper()
	needShell(t)
	b, home := elsewhere(t, "command", "sh -c 'cat >/dev/null; exit 7'")
	destroy(t, filepath.Join(home, "recovered"))
	return b
}

// A key whose secret can be put nowhere is revoked, and never shown inline instead.
func TestSecretThatIsLost(t *testing.T) {
	b := lose(t)
	r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
	key := b.made()[0]
	if !r.IsError || !key.Revoked {
		t.Errorf("got %s, key %+v", r.raw, key)
	}
	for _, want := range []string{"No key is left", `"ci"`, key.Prefix, "exit status 7", "recovered", "call create_api_key again"} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("got %q, want it to say %q", r.text(), want)
		}
	}
	if !strings.Contains(b.log.String(), key.ID) {
		t.Errorf("the log lacks the key: %s", b.log)
	}
	searchForKeys(t, string(r.raw)+b.log.String())
}

// Where it cannot be revoked either, it is named.
func TestSecretThatIsLostOfKeyThatStays(t *testing.T) {
	b := lose(t)
	b.api.Fail(faulty.Fault{Method: "DELETE", Status: 403, Times: -1})
	r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
	key := b.made()[0]
	for _, want := range []string{"secret is lost", key.ID, key.Prefix, "could not be revoked", "Raff dashboard"} {
		if !r.IsError || !strings.Contains(r.text(), want) {
			t.Errorf("got %s, want it to say %q", r.raw, want)
		}
	}
	if !strings.Contains(b.log.String(), key.ID) {
		t.Errorf("the log lacks the key: %s", b.log)
	}
	searchForKeys(t, string(r.raw)+b.log.String())
}

// The same over a real connection: the key is dealt with once.
func TestSecretThatIsLostIsRevokedOnce(t *testing.T) {
	b := lose(t)
	c := dial(t, b)
	c.Send(creation(1))
	c.End()
	if deletes := requests(b, "DELETE"); deletes != 1 || !b.made()[0].Revoked || strings.Contains(b.log.String(), "could not be revoked") {
		t.Errorf("got %d deletions, %s", deletes, b.log)
	}
}

func requests(b *bench, method string) (n int) {
	for _, r := range b.api.Requests() {
		if r.Method == method {
			n++
		}
	}
	return n
}

// A call that was cancelled while its key was made leaves neither key nor file.
func TestCancelledBeforeHandover(t *testing.T) {
	b, home := elsewhere(t, "file", "")
	b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: 300 * time.Millisecond})
	c := dial(t, b)
	c.Send(creation(1))
	for len(b.made()) == 0 {
		runtime.Gosched()
	}
	c.Send(mcptest.Cancel("1"))
	if got := c.End(); len(got) != 0 {
		t.Errorf("a cancelled call was answered: %s", got)
	}
	if !b.made()[0].Revoked {
		t.Error("the key is left")
	}
	if left, err := os.ReadDir(filepath.Join(home, "secrets")); err != nil || len(left) != 0 {
		t.Errorf("got %v, %v, want no file", left, err)
	}
	searchForKeys(t, b.log.String())
}

// A secret that was handed over is not made worthless when the answer gets lost:
// it may be in use. The log says where it is.
func TestAnswerLostAfterHandover(t *testing.T) {
	b, home := elsewhere(t, "file", "")
	c := dial(t, b)
	c.CloseOutput()
	c.Send(creation(1))
	if err := c.Wait(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	key := b.made()[0]
	left, err := os.ReadDir(filepath.Join(home, "secrets"))
	if err != nil || key.Revoked || len(left) != 1 {
		t.Fatalf("got key %+v, files %v, %v", key, left, err)
	}
	for _, want := range []string{"key.id=" + key.ID, "key.prefix=" + key.Prefix, left[0].Name(), "revoke the key if it is not wanted"} {
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("the log lacks %q: %s", want, b.log)
		}
	}
	searchForKeys(t, b.log.String())
}

// A secret that was only saved in the recovery directory was not delivered: the log must
// not say that it was.
func TestAnswerLostAfterRecovery(t *testing.T) {
	needShell(t)
	for _, tt := range []struct{ tool, arguments, remedy string }{
		{"create_api_key", args("name", "ci"), "revoke the key, or move the secret"},
		{"regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana"), "regenerate the key again, or move the secret"},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			b, home := elsewhere(t, "command", "sh -c 'cat >&2; exit 1'")
			c := dial(t, b)
			c.CloseOutput()
			c.Send(mcptest.Call("1", tt.tool, tt.arguments))
			if err := c.Wait(); err != nil {
				t.Errorf("Serve: %v", err)
			}
			saved, err := os.ReadDir(filepath.Join(home, "recovered"))
			if err != nil || len(saved) != 1 {
				t.Fatalf("got files %v, %v, want one", saved, err)
			}
			for _, want := range []string{saved[0].Name(), "nobody was told", tt.remedy} {
				if !strings.Contains(b.log.String(), want) {
					t.Errorf("the log lacks %q: %s", want, b.log)
				}
			}
			if strings.Contains(b.log.String(), "its secret was delivered") {
				t.Errorf("the log says that the secret was delivered: %s", b.log)
			}
			searchForKeys(t, b.log.String())
		})
	}
}

// 20 creations of one name at once are 20 keys with a file each.
func TestTwentyAtOnce(t *testing.T) {
	b, home := elsewhere(t, "file", "")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
			out := structured(t, r)
			text, err := os.ReadFile(location(t, r))
			if prefix, _ := out.APIKey["key_prefix"].(string); err != nil || prefix == "" || !strings.HasPrefix(string(text), prefix) {
				t.Errorf("%s: got %d bytes, %v", r.raw, len(text), err)
			}
		})
	}
	wg.Wait()
	if left, err := os.ReadDir(filepath.Join(home, "secrets")); err != nil || len(left) != 20 || len(b.made()) != 20 {
		t.Errorf("got %d files, %d keys, %v, want 20", len(left), len(b.made()), err)
	}
	searchForKeys(t, b.log.String())
}

// No argument has a say in where a secret goes.
func TestArgumentsCannotChangeTheWay(t *testing.T) {
	b, _ := elsewhere(t, "file", "")
	for _, property := range []string{"secrets", "delivery", "path", "dir", "location", "command", "account", "format"} {
		if r := b.call(t, t.Context(), "create_api_key", `{"name":"x","`+property+`":"inline"}`); !r.IsError {
			t.Errorf("%s: got %s", property, r.raw)
		}
	}
	if n := len(b.api.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// Every tool that yields a secret hands it over in the same way.
func TestOtherSecretsElsewhere(t *testing.T) {
	for _, tt := range []struct{ tool, arguments string }{
		{"regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana")},
		{"replace_api_key", args("api_key_id", sandbox.KeyID("terraform"))},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			b, _ := elsewhere(t, "file", "")
			r := b.call(t, t.Context(), tt.tool, tt.arguments)
			out := structured(t, r)
			conforms(t, tt.tool, r)
			searchForKeys(t, string(r.raw)+b.log.String())
			text, err := os.ReadFile(location(t, r))
			if err != nil || len(text) != 69 || !strings.HasPrefix(string(text), out.APIKey["key_prefix"].(string)) {
				t.Errorf("got a file of %d bytes, %v; want the secret", len(text), err)
			}
		})
	}
}

// Where a secret could not be handed over, nothing is regenerated or replaced.
func TestOtherWaysNotReady(t *testing.T) {
	for _, tt := range []struct{ tool, arguments string }{
		{"regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana")},
		{"replace_api_key", args("api_key_id", sandbox.KeyID("terraform"))},
	} {
		t.Run(tt.tool, func(t *testing.T) {
			b, home := elsewhere(t, "file", "")
			destroy(t, filepath.Join(home, "secrets"))
			before := state(b.api)
			r := b.call(t, t.Context(), tt.tool, tt.arguments)
			if !r.IsError || !strings.Contains(r.text(), "as the administrator configured") || state(b.api) != before {
				t.Errorf("got %s", r.raw)
			}
			if n := requests(b, "POST"); n != 0 {
				t.Errorf("%d POST requests were sent", n)
			}
		})
	}
}

// A regenerated key whose secret is lost is not revoked: it only needs another.
func TestRegeneratedSecretThatIsLost(t *testing.T) {
	needShell(t)
	b := lose(t)
	r := b.call(t, t.Context(), "regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana"))
	for _, want := range []string{"was regenerated", "old secret no longer works", "call regenerate_api_key again"} {
		if !r.IsError || !strings.Contains(r.text(), want) {
			t.Errorf("got %s, want it to say %q", r.raw, want)
		}
	}
	if keyOf(b.api, "grafana").Revoked || !strings.Contains(b.log.String(), sandbox.KeyID("grafana")) {
		t.Errorf("the key was revoked, or the log lacks it: %s", b.log)
	}
	searchForKeys(t, string(r.raw)+b.log.String())
}
