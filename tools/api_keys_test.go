package tools_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

type created struct {
	APIKey map[string]any `json:"api_key"`
	Secret struct {
		Sensitive       bool
		Delivery, Value string
		Note            string
	}
}

func structured(t *testing.T, r result) (c created) {
	t.Helper()
	if r.IsError {
		t.Fatalf("got an error: %s", r.text())
	}
	if err := json.Unmarshal(r.StructuredContent, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCreateAPIKey(t *testing.T) {
	b := newBench(t)
	r := b.call(t, t.Context(), "create_api_key", `{"name":"Production CI","rate_limit_tier":"high","expires_at":"2100-01-01T00:00:00Z","role_id":"`+sandbox.RoleID("member")+`"}`)
	got := structured(t, r)
	conforms(t, "create_api_key", r)

	if got.APIKey["name"] != "Production CI" || got.APIKey["expires_at"] != "2100-01-01T00:00:00Z" || got.APIKey["role_slug"] != "member" {
		t.Errorf("got key %v", got.APIKey)
	}
	for name, value := range got.APIKey {
		if value == "" || value == nil {
			t.Errorf("%s is empty", name)
		}
	}
	s := got.Secret
	if !s.Sensitive || s.Delivery != "inline" || s.Note == "" || !strings.HasPrefix(s.Value, b.made()[0].Prefix) {
		t.Errorf("got secret %+v", s)
	}
	if !strings.Contains(s.Note, "in your reply") || !strings.Contains(s.Note, "unless the user asks") {
		t.Errorf("the note forbids what the user needs: %q", s.Note)
	}
	if !strings.Contains(r.text(), `add_project_member {"project_id":"…","api_key_id":"`+b.made()[0].ID+`"`) {
		t.Errorf("the text lacks how the key gets access to a project: %s", r.text())
	}
	if string(r.Meta["com.rafftechnologies/sensitive"]) != `["/secret/value"]` {
		t.Errorf("got _meta %s", r.Meta)
	}

	// First what the assistant may read, then the whole for the user.
	if len(r.Content) != 2 {
		t.Fatalf("got %d blocks, want 2", len(r.Content))
	}
	for _, want := range []string{`"Production CI"`, b.made()[0].ID, b.made()[0].Prefix, "2100-01-01T00:00:00Z", "Member"} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("the text lacks %s: %s", want, r.text())
		}
	}
	if strings.Contains(r.text(), s.Value) || r.Content[0].Annotations != nil {
		t.Errorf("the first text has the secret, or is annotated: %s", r.text())
	}
	whole := r.Content[1]
	if whole.Text != string(r.StructuredContent) || !slices.Equal(whole.Annotations.Audience, []string{"user"}) || whole.Annotations.Priority != 1 {
		t.Errorf("got second block %+v", whole)
	}
}

func TestSandboxSaysSo(t *testing.T) {
	b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.Sandbox = true })
	r := b.call(t, t.Context(), "create_api_key", `{"name":"x"}`)
	for _, text := range []string{r.text(), structured(t, r).Secret.Note} {
		if !strings.Contains(text, "SANDBOX") {
			t.Errorf("it does not say that it is a sandbox: %s", text)
		}
	}
}

// Good arguments, as the API takes them.
func TestCreateAPIKeyAccepts(t *testing.T) {
	for _, tt := range []struct{ name, arguments, sent string }{
		{"name only", `{"name":"x"}`, `{"name":"x"}`},
		{"128 emoji", `{"name":"` + strings.Repeat("🔑", 128) + `"}`, `{"name":"` + strings.Repeat("🔑", 128) + `"}`},
		{"null is absent", `{"name":"x","rate_limit_tier":null,"expires_at":null,"role_id":null}`, `{"name":"x"}`},
		{"all", `{"name":"x","rate_limit_tier":"standard","expires_at":"2100-01-01T02:00:00+02:00"}`, `{"name":"x","rate_limit_tier":"standard","expires_at":"2100-01-01T02:00:00+02:00"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			structured(t, b.call(t, t.Context(), "create_api_key", tt.arguments))
			if got := string(b.api.Requests()[0].Body); got != tt.sent {
				t.Errorf("got %s sent, want %s", got, tt.sent)
			}
		})
	}
}

// Bad arguments: nothing is sent, and one text names every fault.
func TestCreateAPIKeyRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, arguments string
		want            []string
	}{
		{"absent", ``, []string{"missing property 'name'"}},
		{"null", `null`, []string{"missing property 'name'"}},
		{"a list", `[]`, []string{"must be an object"}},
		{"text", `"name"`, []string{"must be an object"}},
		{"no name", `{}`, []string{"missing property 'name'"}},
		{"null name", `{"name":null}`, []string{"'name' must be a string"}},
		{"empty name", `{"name":""}`, []string{"'name' must be 1 to 128 characters"}},
		{"129 characters", `{"name":"` + strings.Repeat("x", 129) + `"}`, []string{"'name' must be 1 to 128 characters", "129"}},
		{"129 emoji", `{"name":"` + strings.Repeat("🔑", 129) + `"}`, []string{"'name' must be 1 to 128 characters", "129"}},
		{"number", `{"name":5}`, []string{"'name' must be a string", "number"}},
		{"tier", `{"name":"x","rate_limit_tier":"gold"}`, []string{"'rate_limit_tier' must be 'standard' or 'high'"}},
		{"past", `{"name":"x","expires_at":"2001-01-01T00:00:00Z"}`, []string{"'expires_at' must be in the future"}},
		{"year 1", `{"name":"x","expires_at":"0001-01-01T00:00:00Z"}`, []string{"'expires_at' must be in the future"}},
		{"no zone", `{"name":"x","expires_at":"2100-01-01T00:00:00"}`, []string{"'expires_at' must be a date and time with a time zone"}},
		{"bare date", `{"name":"x","expires_at":"2100-01-01"}`, []string{"'expires_at' must be a date and time with a time zone"}},
		{"no date", `{"name":"x","expires_at":"soon"}`, []string{"'expires_at' must be a date and time with a time zone"}},
		{"30 February", `{"name":"x","expires_at":"2100-02-30T00:00:00Z"}`, []string{"'expires_at' must be a date and time with a time zone"}},
		{"role", `{"name":"x","role_id":"admin"}`, []string{"'role_id' must be a UUID"}},
		{"empty role", `{"name":"x","role_id":""}`, []string{"'role_id' must be a UUID"}},
		{"unknown", `{"name":"x","scope":"public"}`, []string{"unknown property 'scope'"}},
		{"mis-cased", `{"name":"x","Role_ID":"y","expiresAt":"z"}`, []string{"'Role_ID' (did you mean 'role_id'?)", "'expiresAt' (did you mean 'expires_at'?)"}},
		{"twice", `{"name":"x","name":"y"}`, []string{"'name' is given twice"}},
		{"all at once", `{"rate_limit_tier":1,"expires_at":"2001-01-01T00:00:00Z","role_id":"x","Name":"y"}`,
			[]string{"missing property 'name'", "'rate_limit_tier'", "'expires_at' must be in the future", "'role_id' must be", "'Name' (did you mean 'name'?)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			r := b.call(t, t.Context(), "create_api_key", tt.arguments)
			if !r.IsError {
				t.Fatalf("got %s, want an error", r.raw)
			}
			for _, want := range append(tt.want, "nothing was sent", "call create_api_key again") {
				if !strings.Contains(r.text(), want) {
					t.Errorf("got %q, want it to say %q", r.text(), want)
				}
			}
			if n := len(b.api.Requests()); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// Bad luck: a clear text each, what happened and what to do, and no secret in
// any byte of it or of the log.
func TestCreateAPIKeyFails(t *testing.T) {
	const nothing = "Nothing was created."
	retryAfter := http.Header{"Retry-After": {"90"}}
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		made  int
		want  []string
	}{
		{"400", faulty.Fault{Status: 400, Body: `{"error":"Bad Request","message":"role has project scope"}`}, 0, []string{nothing, `"role has project scope"`, "correct that and call create_api_key again"}},
		{"401", faulty.Fault{Status: 401, Body: `{"error":"Unauthorized"}`}, 0, []string{nothing, "server's API key was rejected", "RAFF_API_KEY_FILE (/x/key)"}},
		{"402", faulty.Fault{Status: 402, Body: `{"message":"no credit"}`}, 0, []string{nothing, "billing", `"no credit"`, "Different arguments do not help"}},
		{"403", faulty.Fault{Status: 403}, 0, []string{nothing, "account.apikeys.create", "Owner"}},
		{"403 billing", faulty.Fault{Status: 403, Body: `{"error":"x","reason":"failed"}`}, 0, []string{nothing, "billing", `"failed"`, "Different arguments do not help"}},
		{"404", faulty.Fault{Status: 404}, 0, []string{nothing, "RAFF_API_URL) is probably wrong"}},
		{"409", faulty.Fault{Status: 409, Body: `{"message":"name in use"}`}, 0, []string{nothing, "name in use"}},
		{"429", faulty.Fault{Status: 429, Header: retryAfter, Times: -1}, 0, []string{nothing, "rate limit", "in 1m30s"}},
		{"500, not made", faulty.Fault{Status: 500}, 0, []string{"No API key was created", "safe to call create_api_key again"}},
		{"503, not made", faulty.Fault{Status: 503}, 0, []string{"No API key was created", "safe to call create_api_key again"}},
		{"502, made", faulty.Fault{Status: 502, After: true}, 1, []string{"secret is lost", "regenerate", "revoke", "Do not call create_api_key again"}},
		{"timeout, made", faulty.Fault{DelayAfter: time.Hour}, 1, []string{"secret is lost", "timed out", "regenerate", "revoke"}},
		{"reset, made", faulty.Fault{Cut: true, After: true}, 1, []string{"secret is lost", "reset", "regenerate", "revoke"}},
		{"reset, not made", faulty.Fault{Cut: true}, 0, []string{"No API key was created", "safe to call create_api_key again"}},
		{"html", faulty.Fault{Status: 200, Body: "<html>"}, 0, []string{"No API key was created", "not JSON"}},
		{"empty", faulty.Fault{Status: 201, After: true}, 1, []string{"secret is lost", "empty"}},
		{"no secret", faulty.Fault{Omit: []string{"secret"}}, 1, []string{"secret is lost", "regenerate"}},
		{"success false", faulty.Fault{Status: 200, Body: `{"success":false,"message":"quota"}`}, 0, []string{"No API key was created", "quota"}},
		{"refused", faulty.Fault{Refuse: true, Times: -1}, 0, []string{nothing, "could not be reached", "refused"}},
		{"dns", faulty.Fault{RefuseErr: &net.DNSError{Name: "api.example.com", IsNotFound: true}, Times: -1}, 0, []string{nothing, "could not be reached", "resolved"}},
		{"redirect", faulty.Fault{Redirect: "https://evil.example/"}, 0, []string{nothing, "redirect", "evil.example", "RAFF_API_URL"}},
		{"project", faulty.Fault{Status: 400, Body: `{"message":"X-Project-ID required"}`}, 0, []string{nothing, "RAFF_PROJECT_ID"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.KeySource = keyFrom("RAFF_API_KEY_FILE (/x/key)") })
				tt.fault.Method = "POST"
				b.api.Fail(tt.fault)
				r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
				if !r.IsError {
					t.Fatalf("got %s, want an error", r.raw)
				}
				made := b.made()
				if len(made) != tt.made {
					t.Fatalf("got %d keys, want %d", len(made), tt.made)
				}
				for _, k := range made {
					tt.want = append(tt.want, k.ID, k.Prefix)
				}
				for _, want := range tt.want {
					if !strings.Contains(r.text(), want) {
						t.Errorf("got %q, want it to say %q", r.text(), want)
					}
				}
				if strings.Contains(strings.ToLower(r.text()), "the user to") {
					t.Errorf("got %q, which sounds wrong to the user", r.text())
				}
				searchForKeys(t, string(r.raw)+b.log.String())
			})
		})
	}
}

// A hostile API that echoes credentials does not get them into texts or logs.
func TestEchoedKeysDoNotShow(t *testing.T) {
	for _, status := range []int{200, 400, 401, 403, 404, 409, 500} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			echo := fmt.Sprintf("you sent %s and get raff_%s", b.api.OwnerKey().Reveal(), strings.Repeat("ab", 32))
			body, _ := json.Marshal(map[string]any{"success": false, "error": echo, "message": echo, "reason": echo})
			b.api.Fail(faulty.Fault{Method: "POST", Status: status, Body: string(body)})
			r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
			searchForKeys(t, string(r.raw)+b.log.String())
		})
	}
}

// Nor does the server's own key show where the API echoes it as data, whatever the
// tool.
func TestEchoedKeyDoesNotShowInResults(t *testing.T) {
	for _, escaped := range []bool{false, true} {
		for _, x := range examples() {
			b := newBench(t)
			arguments, own := x.prepare(t, b), b.api.OwnerKey().Reveal()
			echo := map[string]any{}
			for _, field := range []string{"id", "name", "key_prefix", "email", "user_name", "role_name", "description", "created_at"} {
				echo[field] = own
			}
			b.api.Fail(faulty.Fault{Set: echo, Times: -1})
			if escaped {
				b = newBench(t, escapes(b.api))
			}
			r := b.call(t, t.Context(), x.tool, arguments)
			if text := string(r.raw) + b.log.String(); strings.Contains(text, own) || strings.Contains(text, own[5:]) {
				t.Errorf("%s, escaped %t: the server's key is in %s", x.tool, escaped, text)
			}
		}
	}
}

// escapes has the client call api, which then writes underlines as escape sequences.
func escapes(api *faulty.API) func(*raffclient.Config, *tools.Config) {
	return func(c *raffclient.Config, _ *tools.Config) {
		c.APIKey = api.OwnerKey()
		c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			res, err := api.Transport().RoundTrip(r)
			if err != nil {
				return nil, err
			}
			body, err := io.ReadAll(res.Body)
			body = bytes.ReplaceAll(body, []byte("raff_"), []byte(`raff\u005f`))
			res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			return res, err
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A new secret is in secret.value and nowhere else, wherever the API repeats it.
func TestSecretIsInOnePlace(t *testing.T) {
	secret := "raff_" + strings.Repeat("0a", 32)
	for _, write := range []string{secret, strings.Replace(secret, "_", `\u005f`, 1)} {
		for _, tool := range []string{"create_api_key", "regenerate_api_key", "replace_api_key"} {
			b := newBench(t)
			b.api.Fail(faulty.Fault{Method: "POST", Status: 201, Body: strings.ReplaceAll(`{"success":true,"data":{"id":"NEW","name":"NEW","key_prefix":"NEW","role_name":"NEW","expires_at":"NEW","secret":"NEW"}}`, "NEW", write)})
			r := b.call(t, t.Context(), tool, map[string]string{
				"create_api_key":     `{"name":"ci"}`,
				"regenerate_api_key": args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana"),
				"replace_api_key":    args("api_key_id", sandbox.KeyID("terraform")),
			}[tool])
			if !strings.Contains(string(r.StructuredContent), `","secret":{`) || strings.Index(string(r.StructuredContent), `"secret":{`) > strings.Index(string(r.StructuredContent), `"api_key":{`) {
				t.Errorf("%s: the secret does not follow the summary: %s", tool, r.StructuredContent)
			}
			if got := structured(t, r).Secret.Value; got != secret {
				t.Errorf("%s: got a value of %d characters", tool, len(got))
			}
			if strings.Count(string(r.StructuredContent), secret[5:]) != 1 || strings.Contains(r.text()+b.log.String(), secret[5:]) {
				t.Errorf("%s: the secret is elsewhere too: %s %s", tool, r.raw, b.log)
			}
			if !strings.Contains(r.text(), "prefix "+secret[:13]) {
				t.Errorf("%s: the text lacks the prefix: %s", tool, r.text())
			}
		}
	}
}

// Where it is not proven that a key was made, that is not claimed.
func TestDoubtIsSaid(t *testing.T) {
	for _, tt := range []struct {
		name   string
		post   faulty.Fault
		list   faulty.Fault
		key    string // is the name, of a seeded key that is in use or of one that was made before
		want   string
		listed bool // the older key is named
		age    time.Duration
	}{
		{"no Date", faulty.Fault{Cut: true}, faulty.Fault{Header: http.Header{"Date": nil}}, "new", "may have been created", true, 10 * time.Minute},
		{"no created_at", faulty.Fault{Cut: true}, faulty.Fault{Omit: []string{"created_at"}}, "new", "may have been created", true, 10 * time.Minute},
		{"no list", faulty.Fault{Cut: true}, faulty.Fault{Body: `{"success":true,"data":null}`}, "new", "It is unknown whether", false, 10 * time.Minute},
		{"in use", faulty.Fault{Cut: true}, faulty.Fault{Omit: []string{"created_at"}, Set: map[string]any{"last_used_at": "1999-12-31T23:00:00Z"}}, "new", "No API key was created", false, 10 * time.Minute},
		{"denied", faulty.Fault{Body: `{"success":false,"data":{"id":"OLD","name":"new"}}`}, faulty.Fault{}, "new", "No API key was created", false, 48 * time.Hour},
		{"may be local time", faulty.Fault{Cut: true}, faulty.Fault{}, "new", "may have been created", true, 12 * time.Hour},
		{"another name", faulty.Fault{Cut: true}, faulty.Fault{}, "renamed beyond recognition", "may have been created", true, time.Minute},
		{"another name, in local time", faulty.Fault{Cut: true}, faulty.Fault{}, "renamed beyond recognition", "may have been created", true, 5 * time.Hour},
		{"another name, older", faulty.Fault{Cut: true}, faulty.Fault{}, "renamed beyond recognition", "No API key was created", false, 67 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				older := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
					c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
				})
				structured(t, older.call(t, t.Context(), "create_api_key", `{"name":"new"}`))
				old := b.made()[0]
				time.Sleep(tt.age)
				tt.post.Method, tt.post.Body = "POST", strings.Replace(tt.post.Body, "OLD", old.ID, 1)
				tt.list.Method, tt.list.Times = "GET", -1
				b.api.Fail(tt.post)
				b.api.Fail(tt.list)
				r := b.call(t, t.Context(), "create_api_key", args("name", tt.key))
				if !r.IsError || !strings.Contains(r.text(), tt.want) || strings.Contains(r.text(), "A key was created") || strings.Contains(r.text(), old.ID) != tt.listed {
					t.Errorf("got %q, want it to say %q", r.text(), tt.want)
				}
			})
		})
	}
}

// searchForKeys fails the test if text holds anything like a whole key.
func searchForKeys(t *testing.T, text string) {
	t.Helper()
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "raff_")
		if !found {
			return
		}
		digits := strings.IndexFunc(after, func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", r) })
		if digits > 8 || digits < 0 && len(after) > 8 {
			t.Errorf("a key is in %s", text)
			return
		}
		rest = after
	}
}

// A secret arrives whatever else the API sent beside it, and in a form that
// clients accept.
func TestOddAnswersConform(t *testing.T) {
	for _, fault := range []faulty.Fault{
		{Set: map[string]any{"id": 5, "is_active": "yes", "created_at": 17, "project_accesses": "none", "name": nil, "scope": []int{1}}},
		{Set: map[string]any{"expires_at": "whenever", "rate_limit_tier": "platinum", "surprise": 1}},
		{Omit: []string{"id", "name", "key_prefix", "is_active", "created_at"}},
		{Set: map[string]any{"project_accesses": []any{nil, 5, map[string]any{"project_id": 7}}}},
	} {
		b := newBench(t)
		fault.Method = "POST"
		b.api.Fail(fault)
		r := b.call(t, t.Context(), "create_api_key", `{"name":"ci"}`)
		got := structured(t, r)
		conforms(t, "create_api_key", r)
		if !strings.HasPrefix(got.Secret.Value, b.made()[0].Prefix) || got.APIKey["name"] != "ci" {
			t.Errorf("fault %+v: got %s", fault, r.StructuredContent)
		}
		if !strings.Contains(r.text(), b.made()[0].Prefix) {
			t.Errorf("fault %+v: the text lacks the prefix: %s", fault, r.text())
		}
	}
}

func TestNoCredential(t *testing.T) {
	b := newBench(t, withoutKey("No API key. Set RAFF_API_KEY."))
	for _, arguments := range []string{`{"name":"x"}`, `{}`} {
		r := b.call(t, t.Context(), "create_api_key", arguments)
		if !r.IsError || r.text() != "No API key. Set RAFF_API_KEY." {
			t.Errorf("got %s", r.raw)
		}
	}
	if list := b.request(t, t.Context(), "tools/list", map[string]any{}); !strings.Contains(string(list), "create_api_key") {
		t.Errorf("the tools are not listed: %s", list)
	}
}

// The error for a rejected key says what happened, where the key comes from and what to do.
func TestRejectedKey(t *testing.T) {
	const rejected = "Nothing was read. The server's API key was rejected (HTTP 401): it is mistyped, expired, inactive or revoked. It comes from "
	another := raffclient.NewSecret("raff_0123456789abcdef0123456789abcdef")
	for _, tt := range []struct {
		source tools.KeySource
		key    raffclient.Secret // that is read after the rejection; zero for the same
		err    error
		want   string
	}{
		{source: tools.KeySource{Name: "RAFF_API_KEY", Fixed: true}, want: "RAFF_API_KEY: replace it there, then restart the server; until then, calling again does not help."},
		{source: tools.KeySource{Name: "/x/key"}, want: "/x/key, which was read again and still contains the same key: replace it there, then call again; the server needs no restart."},
		{source: tools.KeySource{Name: "/x/key"}, key: another, want: "/x/key, which was read again and contained another key, which was rejected too: replace it there, then call again; the server needs no restart."},
		{source: tools.KeySource{Name: "/x/key"}, err: errors.New("/x/key is gone. Restore it."), want: "/x/key, which could not be read again. /x/key is gone. Restore it. Then call again; the server needs no restart."},
	} {
		var reads atomic.Int32
		b := newBench(t, func(client *raffclient.Config, c *tools.Config) {
			key := client.APIKey
			client.ReadKey = func(context.Context) (raffclient.Secret, error) {
				if reads.Add(1) == 1 || tt.key.IsZero() && tt.err == nil {
					return key, nil
				}
				return tt.key, tt.err
			}
			c.KeySource = func() tools.KeySource { return tt.source }
		})
		b.api.Fail(faulty.Fault{Status: 401, Times: 2})
		if r := b.call(t, t.Context(), "list_roles", `{}`); !r.IsError || r.text() != rejected+tt.want {
			t.Errorf("got %s, want %s", r.text(), rejected+tt.want)
		}
	}
}

// The server's old key can be revoked once another one that works is where the server gets
// its key. Until then it is refused, and the server keeps the key that works.
func TestRevokeFormerOwnKey(t *testing.T) {
	var store atomic.Pointer[raffclient.Secret]
	b := newBench(t, func(client *raffclient.Config, c *tools.Config) {
		store.Store(&client.APIKey)
		client.ReadKey = func(context.Context) (raffclient.Secret, error) {
			if key := store.Load(); !key.IsZero() {
				return *key, nil
			}
			return raffclient.Secret{}, errors.New("The file is gone. Restore it.")
		}
		c.KeySource = keyFrom("/x/key")
	})
	own := *store.Load()
	revoke := func() result {
		return b.call(t, t.Context(), "revoke_api_key", args("api_key_id", sandbox.KeyID("owner"), "confirm_name", "Owner"))
	}
	for _, key := range []raffclient.Secret{own, {}, raffclient.NewSecret("raff_0123456789abcdef0123456789abcdef")} {
		store.Store(&key)
		if r := revoke(); !r.IsError || !strings.Contains(r.text(), "Nothing was changed") {
			t.Errorf("got %s", r.text())
		}
		store.Store(&own)
		if r := b.call(t, t.Context(), "list_roles", `{}`); r.IsError {
			t.Fatalf("the server's key does not work any more: %s", r.text())
		}
	}
	var created struct{ Secret struct{ Value string } }
	r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("owner")))
	if err := json.Unmarshal(r.StructuredContent, &created); err != nil || !strings.Contains(r.text(), "no restart is needed") {
		t.Fatalf("got %s", r.raw)
	}
	if r := revoke(); !r.IsError {
		t.Fatalf("the own key was revoked: %s", r.text())
	}
	successor := raffclient.NewSecret(created.Secret.Value)
	store.Store(&successor)
	if r := revoke(); r.IsError {
		t.Errorf("got %s", r.text())
	}
	if got := whoami(t, b); got.KeyPrefix != successor.PublicPrefix() || got.Name == "" {
		t.Errorf("got %+v, want the successor to be the server's key", got)
	}
}

// A panic is reported in fixed words: its value could be anything.
func TestPanic(t *testing.T) {
	b := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
		c.Transport = panics{}
	})
	r := b.call(t, t.Context(), "create_api_key", `{"name":"x"}`)
	if !r.IsError || !strings.Contains(r.text(), "error in raff-mcp itself") {
		t.Errorf("got %s", r.raw)
	}
	searchForKeys(t, string(r.raw)+b.log.String())
	if !strings.Contains(b.log.String(), "RoundTrip") {
		t.Errorf("the log lacks the stack: %s", b.log)
	}
}

type panics struct{}

func (panics) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("the key is " + r.Header.Get("X-API-Key"))
}
