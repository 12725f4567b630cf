package tools_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// dial starts a server and returns a client of it.
func dial(t *testing.T, b *bench) *mcptest.Client {
	return mcptest.Serve(t, func(ctx context.Context, in io.Reader, out io.Writer) error {
		return stdio.Serve(ctx, b.server, in, out, stdio.Config{})
	})
}

// creation returns a request for a key whose progress is reported as that of "p1" if the
// ID is 1.
func creation(id int) string {
	return mcptest.Call(fmt.Sprint(id), "create_api_key", `{"name":"ci"}`, fmt.Sprintf(`"_meta":{"progressToken":"p%d"}`, id))
}

// A key made for a call that was cancelled is revoked again: nobody would ever
// have its secret.
func TestCancelledCallLeavesNoKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second})
		c := dial(t, b)
		c.Send(creation(1))
		time.Sleep(500 * time.Millisecond)
		c.Send(mcptest.Cancel("1"))
		if got := c.End(); len(got) != 0 {
			t.Errorf("a cancelled call was answered: %s", got)
		}
		if made := b.made(); len(made) != 1 || !made[0].Revoked {
			t.Errorf("got keys %+v, want one, revoked", made)
		}
		if !strings.Contains(b.log.String(), "it was revoked") {
			t.Errorf("the log does not say so: %s", b.log)
		}
		searchForKeys(t, b.log.String())
	})
}

// Where the key cannot be revoked, the log names it.
func TestKeyThatCannotBeRevokedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second})
		b.api.Fail(faulty.Fault{Method: "DELETE", Status: 403, Times: -1})
		c := dial(t, b)
		c.Send(creation(1))
		time.Sleep(500 * time.Millisecond)
		c.Send(mcptest.Cancel("1"))
		c.End()
		key := b.made()[0]
		for _, want := range []string{"key.id=" + key.ID, "key.prefix=" + key.Prefix, "could not be revoked"} {
			if !strings.Contains(b.log.String(), want) {
				t.Errorf("the log lacks %s: %s", want, b.log)
			}
		}
		searchForKeys(t, b.log.String())
	})
}

// A creation that is answered with the ID of another key, and then cancelled, does not
// get that key revoked. With a secret or without, whatever else of the other key the
// response repeats.
func TestCancelledCallRevokesNoOtherKey(t *testing.T) {
	for _, tt := range []struct {
		name   string
		repeat []string // fields of the other key
		omit   []string
	}{
		{"its ID", []string{"id"}, nil},
		{"its ID, no secret", []string{"id"}, []string{"secret"}},
		{"its ID and prefix, no secret", []string{"id", "key_prefix"}, []string{"secret"}},
		{"all of it", []string{"id", "name", "key_prefix", "created_at"}, nil},
		{"all of it, no secret", []string{"id", "name", "key_prefix", "created_at"}, []string{"secret"}},
	} {
		for _, name := range []string{"ci", "Production"} {
			t.Run(tt.name+", named "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					theirs := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
						c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
					})
					structured(t, theirs.call(t, t.Context(), "create_api_key", args("name", name)))
					other := b.made()[0]
					time.Sleep(10 * time.Minute)
					all := map[string]any{"id": other.ID, "name": other.Name, "key_prefix": other.Prefix, "created_at": other.CreatedAt.Format(time.RFC3339)}
					set := map[string]any{}
					for _, field := range tt.repeat {
						set[field] = all[field]
					}
					b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second, Set: set, Omit: tt.omit})
					c := dial(t, b)
					c.Send(creation(1))
					time.Sleep(500 * time.Millisecond)
					c.Send(mcptest.Cancel("1"))
					c.End()
					if key := b.made()[0]; key.Revoked {
						t.Errorf("the other key was revoked: %s", b.log)
					}
					if key := b.made()[1]; !key.Revoked && !strings.Contains(b.log.String(), "prefix="+key.Prefix) && !strings.Contains(b.log.String(), other.ID) {
						t.Errorf("the log names neither key: %s", b.log)
					}
				})
			})
		}
	}
}

// A call that is cancelled while it waits for its turn is never sent.
func TestCancelledInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		c := dial(t, b)
		c.ReadAhead()
		for id := range 60 {
			c.Send(creation(id))
		}
		time.Sleep(500 * time.Millisecond)
		var answers []string
		for c.Unread() > 0 {
			answers = append(answers, c.Line())
		}
		cancelled := 0
		for _, id := range waiting(answers, 60) {
			c.Send(mcptest.Cancel(id))
			cancelled++
		}
		answers = append(answers, c.End()...)
		if cancelled != 30 || len(b.made()) != 30 || len(answers) != 30 {
			t.Errorf("got %d cancelled, %d keys, %d answers; want 30 of each", cancelled, len(b.made()), len(answers))
		}
	})
}

// waiting returns the IDs below n that have no answer.
func waiting(answers []string, n int) (ids []string) {
	answered := mcptest.IDs(answers)
	for id := range n {
		if !slices.Contains(answered, fmt.Sprint(id)) {
			ids = append(ids, fmt.Sprint(id))
		}
	}
	return ids
}

// A client that closes its end leaves no keys behind.
func TestClientGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second, Times: -1})
		c := dial(t, b)
		for id := range 20 {
			c.Send(creation(id))
		}
		c.CloseOutput()
		if err := c.Wait(); err != nil {
			t.Errorf("Serve: %v", err)
		}
		for _, k := range b.made() {
			if !k.Revoked {
				t.Errorf("key %s is left, with a secret that nobody has", k.ID)
			}
		}
		if len(b.made()) == 0 {
			t.Error("no key was made")
		}
		searchForKeys(t, b.log.String())
	})
}

// Closing the input cancels nothing.
func TestInputClosedWithCallsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second, Times: -1})
		c := dial(t, b)
		for id := range 20 {
			c.Send(creation(id))
		}
		got := c.End()
		if len(got) != 20 || len(b.made()) != 20 {
			t.Fatalf("got %d answers and %d keys, want 20", len(got), len(b.made()))
		}
		for _, k := range b.made() {
			if k.Revoked || !strings.Contains(strings.Join(got, ""), k.Prefix) {
				t.Errorf("key %s was revoked or is in no answer", k.Prefix)
			}
		}
	})
}

// While a call waits to repeat a request, its client is told.
func TestProgressWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", Status: 429, Header: http.Header{"Retry-After": {"3"}}, Times: 2})
		c := dial(t, b)
		c.Send(creation(1))
		got := c.End()
		if len(got) != 3 {
			t.Fatalf("got %s, want two notifications and an answer", got)
		}
		for i, text := range got[:2] {
			for _, want := range []string{`"notifications/progress"`, `"progressToken":"p1"`, fmt.Sprintf(`"progress":%d`, i+1), "3s"} {
				if !strings.Contains(text, want) {
					t.Errorf("got %s, want it to have %s", text, want)
				}
			}
		}
		if !strings.Contains(got[2], "structuredContent") {
			t.Errorf("got %s, want the answer", got[2])
		}
	})
}

// A disk that is full when the answer is written is a client that does not get
// the answer.
func TestAnswerThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		input := strings.NewReader(creation(1))
		if err := stdio.Serve(t.Context(), b.server, input, fullDisk{}, stdio.Config{}); err == nil {
			t.Error("got success, want the error of writing")
		}
		if made := b.made(); len(made) != 1 || !made[0].Revoked {
			t.Errorf("got keys %+v, want one, revoked", made)
		}
	})
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left on device") }

// A key whose answer named it, but lacked the secret, is revoked as well. That the
// call is an error changes nothing.
func TestCancelledCallWithoutSecretLeavesNoKey(t *testing.T) {
	for _, tt := range []struct {
		name  string
		leave func(*mcptest.Client)
	}{
		{"cancelled", func(c *mcptest.Client) { c.Send(mcptest.Cancel("1")) }},
		{"client gone", (*mcptest.Client).CloseOutput},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second, Omit: []string{"secret"}})
				c := dial(t, b)
				c.Send(creation(1))
				time.Sleep(500 * time.Millisecond)
				tt.leave(c)
				if got := c.End(); len(got) != 0 {
					t.Errorf("got an answer: %s", got)
				}
				if made := b.made(); len(made) != 1 || !made[0].Revoked {
					t.Errorf("got keys %+v, want one, revoked", made)
				}
			})
		})
	}
}

// A client that was told of such a key decides itself what becomes of it.
func TestKeyWithoutSecretIsLeftToItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", Omit: []string{"secret"}})
		c := dial(t, b)
		c.Send(creation(1))
		got := c.End()
		if made := b.made(); len(got) != 1 || len(made) != 1 || !strings.Contains(got[0], made[0].ID) || made[0].Revoked {
			t.Errorf("got %s and keys %+v, want one that the answer names, not revoked", got, made)
		}
	})
}

// The log is the one place where such a key is named, so it is named at any level.
func TestLostAnswerOfCancelledCallIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
			c.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
		})
		b.api.Fail(faulty.Fault{Method: "POST", Cut: true, After: true, DelayAfter: time.Second})
		c := dial(t, b)
		c.Send(creation(1))
		time.Sleep(500 * time.Millisecond)
		c.Send(mcptest.Cancel("1"))
		if got := c.End(); len(got) != 0 {
			t.Errorf("a cancelled call was answered: %s", got)
		}
		// It may be somebody else's, so it is not revoked; but the log names it.
		if key := b.made()[0]; key.Revoked || !strings.Contains(log.String(), key.ID) || !strings.Contains(log.String(), "name=ci") {
			t.Errorf("the key was revoked, or the log lacks it: %s", &log)
		}
	})
}

// Revoking it again shows no more of a key than handing it over would have.
func TestRevokedKeyDoesNotShow(t *testing.T) {
	secret := "raff_" + strings.Repeat("0a", 32)
	for _, field := range []string{"id", "name", "key_prefix"} {
		for _, echoed := range []string{secret, "OWN"} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.api.Watch(nil) // the answer's ID is none, and is looked up
				echoed := strings.Replace(echoed, "OWN", b.api.OwnerKey().Reveal(), 1)
				b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second, Status: 201, Body: fmt.Sprintf(`{"data":{"id":"1","secret":%q,%q:%q}}`, secret, field, echoed)})
				c := dial(t, b)
				c.Send(creation(1))
				time.Sleep(500 * time.Millisecond)
				c.Send(mcptest.Cancel("1"))
				c.End()
				if !strings.Contains(b.log.String(), "could not be revoked") {
					t.Errorf("the key was not to be revoked: %s", b.log)
				}
				searchForKeys(t, b.log.String())
			})
		}
	}
}
