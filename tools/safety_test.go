package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// The server does not lock itself out.
func TestOwnKeyIsProtected(t *testing.T) {
	own := sandbox.KeyID("owner")
	for _, tt := range []struct{ tool, arguments string }{
		{"revoke_api_key", args("api_key_id", own, "confirm_name", "Owner")},
		{"regenerate_api_key", args("api_key_id", own, "confirm_name", "Owner")},
		{"update_api_key", `{"api_key_id":"` + own + `","is_active":false}`},
	} {
		b := newBench(t)
		before := state(b.api)
		r := b.call(t, t.Context(), tt.tool, tt.arguments)
		if !r.IsError || !strings.Contains(r.text(), "the one that this server itself runs with") || state(b.api) != before {
			t.Errorf("%s: got %s", tt.tool, r.raw)
		}
		// Where the API does not tell the prefix, it may be the one.
		b.api.Fail(faulty.Fault{Method: "GET", Omit: []string{"key_prefix"}})
		if r := b.call(t, t.Context(), tt.tool, tt.arguments); !r.IsError || !strings.Contains(r.text(), "may be the one") || state(b.api) != before {
			t.Errorf("%s without prefix: got %s", tt.tool, r.raw)
		}
	}
	// An expiry is a switch with a delay; and a prefix that is masked rules nothing out.
	b := newBench(t)
	if r := b.call(t, t.Context(), "update_api_key", `{"api_key_id":"`+own+`","expires_at":"2100-01-01T00:00:00Z"}`); !r.IsError || !strings.Contains(r.text(), "this server itself runs with") {
		t.Errorf("it can be made to expire: %s", r.raw)
	}
	b.api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"key_prefix": b.api.OwnerKey().Reveal()[:9] + "…"}})
	if r := b.call(t, t.Context(), "revoke_api_key", args("api_key_id", own, "confirm_name", "Owner")); !r.IsError || keyOf(b.api, "owner").Revoked {
		t.Errorf("with a masked prefix: got %s", r.raw)
	}
	if r := b.call(t, t.Context(), "update_api_key", `{"api_key_id":"`+own+`","name":"Server"}`); r.IsError {
		t.Errorf("renaming it is refused: %s", r.raw)
	}
	if r := b.call(t, t.Context(), "update_api_key", `{"api_key_id":"`+sandbox.KeyID("grafana")+`","is_active":false}`); r.IsError {
		t.Errorf("switching another off is refused: %s", r.raw)
	}
}

// asked is a client that was asked, and how it answers.
type asked struct {
	capabilities string // "" for none
	reply        string // to the question; "" if there must not be one
}

// revoke runs a session of an older revision in which a key is to be revoked, and
// returns the answer to the call and the question, if there was one.
func revoke(t *testing.T, b *bench, a asked) (answer, question string) {
	t.Helper()
	c := dial(t, b)
	c.Ask(mcptest.Initialize("1", "2025-06-18", "t", "{"+a.capabilities+"}"))
	c.Send(mcptest.Call("2", "revoke_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana")))
	m := c.Receive()
	if m.IsQuestion() {
		question = m.Text
		c.Send(mcptest.Answer(string(m.ID), a.reply))
		m = c.Receive()
	}
	if rest := c.End(); len(rest) != 0 {
		t.Errorf("more than an answer: %s", rest)
	}
	return m.Text, question
}

// The user is asked where the client can ask, and has the last word.
func TestUserIsAsked(t *testing.T) {
	const can = `"elicitation":{}`
	for _, tt := range []struct {
		name    string
		confirm tools.Confirm
		client  asked
		asked   bool
		revoked bool
		want    string
	}{
		{"accepts", tools.ConfirmAuto, asked{can, `"result":{"action":"accept","content":{"confirm":true}}`}, true, true, "Revoked"},
		{"accepts without content", tools.ConfirmAuto, asked{can, `"result":{"action":"accept"}`}, true, false, "without a yes"},
		{"accepts, but says no", tools.ConfirmAuto, asked{can, `"result":{"action":"accept","content":{"confirm":false}}`}, true, false, "without a yes"},
		{"accepts, but says no in words", tools.ConfirmAuto, asked{can, `"result":{"action":"accept","content":{"confirm":"no"}}`}, true, false, "without a yes"},
		{"accepts something else", tools.ConfirmAuto, asked{can, `"result":{"action":"accept","content":{"other":true}}`}, true, false, "without a yes"},
		{"declines", tools.ConfirmAuto, asked{can, `"result":{"action":"decline"}`}, true, false, "was declined, either by the user or by a client that runs without one"},
		{"closes the form", tools.ConfirmAuto, asked{can, `"result":{"action":"cancel"}`}, true, false, "was closed without an answer"},
		{"fails", tools.ConfirmAuto, asked{can, `"error":{"code":-32603,"message":"x"}`}, true, false, "was closed without an answer"},
		{"forms declared", tools.ConfirmAlways, asked{`"elicitation":{"form":{}}`, `"result":{"action":"accept","content":{"confirm":true}}`}, true, true, "Revoked"},
		{"only URLs declared", tools.ConfirmAuto, asked{`"elicitation":{"url":{}}`, ""}, false, true, "Revoked"},
		{"not declared", tools.ConfirmAuto, asked{"", ""}, false, true, "Revoked"},
		{"not declared, but needed", tools.ConfirmAlways, asked{"", ""}, false, false, "--confirm=always"},
		{"never", tools.ConfirmNever, asked{can, ""}, false, true, "Revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.Confirm = tt.confirm })
				answer, question := revoke(t, b, tt.client)
				if (question != "") != tt.asked {
					t.Errorf("got question %q, want one: %t", question, tt.asked)
				}
				if tt.asked && (!strings.Contains(question, "Grafana") || !strings.Contains(question, "cannot be undone")) {
					t.Errorf("the question does not say what is at stake: %s", question)
				}
				if !strings.Contains(answer, tt.want) {
					t.Errorf("got %s, want it to say %q", answer, tt.want)
				}
				if got := keyOf(b.api, "grafana").Revoked; got != tt.revoked {
					t.Errorf("revoked: %t, want %t", got, tt.revoked)
				}
			})
		})
	}
}

func keyOf(api *faulty.API, handle string) sandbox.Key {
	keys := api.Keys()
	return keys[slices.IndexFunc(keys, func(k sandbox.Key) bool { return k.ID == sandbox.KeyID(handle) })]
}

// In the stateless revision the question is a result, and the answer counts only
// for what was asked.
func TestUserIsAskedStatelessly(t *testing.T) {
	b := newBench(t)
	ask := func(handle, name string, members ...string) asking {
		return b.stateless(t, "revoke_api_key", args("api_key_id", sandbox.KeyID(handle), "confirm_name", name), canShowForms, members...)
	}
	first := ask("grafana", "Grafana")
	if first.ResultType != "input_required" || len(first.InputRequests) != 1 || first.RequestState == "" {
		t.Fatalf("got %+v, want a question", first)
	}
	yes := first.answer("accept", `,"content":{"confirm":true}`)
	if r := ask("terraform", "Terraform", yes); r.ResultType != "input_required" || keyOf(b.api, "terraform").Revoked {
		t.Errorf("the answer to another question was taken: %+v", r)
	}
	if r := ask("grafana", "Grafana", strings.Replace(yes, first.RequestState, "x", 1)); r.ResultType != "input_required" {
		t.Errorf("an answer without its state was taken: %+v", r)
	}
	if r := ask("grafana", "Grafana", yes); r.IsError || !keyOf(b.api, "grafana").Revoked {
		t.Errorf("got %+v, want the key revoked", r)
	}
}

// One yes is for one time, and not for ever.
func TestApprovalIsGoodOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		regenerate := func(members ...string) asking {
			return b.stateless(t, "regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana"), canShowForms, members...)
		}
		yes := func() string {
			question := regenerate()
			if question.RequestState == "" {
				t.Fatalf("no question: %+v", question)
			}
			return question.answer("accept", `,"content":{"confirm":true}`)
		}
		first := yes()
		if got := regenerate(first); !strings.Contains(got.text(), "Regenerated") {
			t.Errorf("got %+v", got)
		}
		if got := regenerate(first); got.ResultType != "input_required" {
			t.Errorf("one answer was taken twice: %+v", got)
		}
		late := yes()
		time.Sleep(11 * time.Minute)
		if got := regenerate(late); got.ResultType != "input_required" {
			t.Errorf("an answer was taken after eleven minutes: %+v", got)
		}
	})
}

// A replacement has the rights of the old key, which is not touched.
func TestReplace(t *testing.T) {
	b := newBench(t)
	old := keyOf(b.api, "production-deploy")
	in90 := time.Now().AddDate(0, 0, 90).UTC().Format(time.RFC3339)
	r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", old.ID, "name", "Production deploy", "expires_at", in90))
	conforms(t, "replace_api_key", r)
	out := replaced(t, r)
	if len(out.Access.Projects) != 1 || out.Access.Projects[0].ProjectID != sandbox.ProjectID("production") || out.Access.Projects[0].MemberID == "" || len(out.NotGranted) != 0 {
		t.Errorf("got grants %+v", out)
	}
	if out.Secret.Value == "" || out.APIKey.Name != "Production deploy" || out.Replaces.ID != old.ID || len(out.Remaining) != 3 {
		t.Errorf("got %+v", out)
	}
	if now := keyOf(b.api, "production-deploy"); now != old {
		t.Errorf("the old key was touched: %+v", now)
	}
	if !strings.Contains(r.text(), "revoke_api_key") || strings.Contains(r.text(), out.Secret.Value) {
		t.Errorf("got %q", r.text())
	}
}

type replacement struct {
	APIKey   struct{ ID, Name string } `json:"api_key"`
	Secret   struct{ Value string }
	Replaces struct{ ID string }
	Access   struct {
		RoleID   string `json:"role_id"`
		RoleName string `json:"role_name"`
		Projects []granted
	}
	NotGranted []granted
	Remaining  []string
}

type granted struct {
	ProjectID string `json:"project_id"`
	RoleID    string `json:"role_id"`
	MemberID  string `json:"member_id"`
	Problem   string
	Call      string
}

func replaced(t *testing.T, r result) (out replacement) {
	t.Helper()
	if r.IsError {
		t.Fatalf("got an error: %s", r.text())
	}
	text := strings.Replace(string(r.StructuredContent), `"not_granted"`, `"NotGranted"`, 1)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// An answer that names another key than was asked for names none to revoke.
func TestAnswerThatNamesAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", Delay: time.Second, Status: 200, Body: fmt.Sprintf(`{"success":true,"data":{"id":%q,"name":"Production deploy","created_at":"1999-11-22T00:00:00Z"}}`, sandbox.KeyID("production-deploy"))})
		c := dial(t, b)
		c.Send(creation(1))
		time.Sleep(500 * time.Millisecond)
		c.Send(mcptest.Cancel("1"))
		c.End()
		if keyOf(b.api, "production-deploy").Revoked || requests(b, "DELETE") != 0 {
			t.Errorf("a key was revoked that was not made: %s", b.log)
		}
	})
}

// That something could not be looked at is not told as a deed of unknown outcome.
func TestLookThatFails(t *testing.T) {
	for _, x := range examples() {
		if !strings.Contains(x.arguments, "confirm_name") && x.tool != "replace_api_key" {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			arguments := x.prepare(t, b)
			b.api.Fail(faulty.Fault{Method: "GET", Status: 503, Times: -1})
			if r := b.call(t, t.Context(), x.tool, arguments); !r.IsError || !strings.HasPrefix(r.text(), "Nothing was ") {
				t.Errorf("%s: got %s", x.tool, r.raw)
			}
		})
	}
}

// A replacement does not keep its secret waiting for grants.
func TestReplaceWithSlowGrants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var accesses []map[string]string
		for range 6 {
			accesses = append(accesses, map[string]string{"project_id": sandbox.ProjectID("production"), "role_id": sandbox.RoleID("viewer")})
		}
		b.api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"project_accesses": accesses}})
		b.api.Fail(faulty.Fault{Method: "POST", Path: "/api/v1/projects/*", Delay: time.Hour, Times: -1})
		start := time.Now()
		out := replaced(t, b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("terraform"))))
		if took := time.Since(start); took > 45*time.Second || out.Secret.Value == "" || len(out.NotGranted) != 6 {
			t.Errorf("after %v got %+v", took, out)
		}
	})
}

// Where a grant fails, the secret is handed over all the same, with the call that
// completes it.
func TestReplaceHalfGranted(t *testing.T) {
	for _, fault := range []faulty.Fault{{Status: 403}, {Status: 500}, {Cut: true, After: true}, {Status: 404}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			fault.Method, fault.Path = "POST", "/api/v1/projects/*"
			b.api.Fail(fault)
			r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("ci"), "expires_at", "2100-01-01T00:00:00Z"))
			out := replaced(t, r)
			if fault.After { // it was granted, and found
				if len(out.Access.Projects) != 1 || len(out.NotGranted) != 0 || out.Access.Projects[0].MemberID == "" {
					t.Errorf("got %+v", out)
				}
				return
			}
			if out.Secret.Value == "" || len(out.NotGranted) != 1 || out.NotGranted[0].Problem == "" {
				t.Fatalf("got %+v", out)
			}
			tool, arguments, _ := strings.Cut(out.NotGranted[0].Call, " ")
			if r := b.call(t, t.Context(), tool, arguments); r.IsError {
				t.Errorf("the call that completes it: got %s", r.raw)
			}
		})
	}
}

// Keys are filtered over all pages, and what remains is paged.
func TestListAPIKeysFilters(t *testing.T) {
	for _, tt := range []struct {
		arguments string
		total     int
		items     int
		next      int
	}{
		{`{}`, 15, 15, 0},
		{`{"limit":10}`, 15, 10, 10},
		{`{"limit":10,"offset":10}`, 15, 5, 0},
		{`{"offset":100}`, 15, 0, 0},
		{`{"name":"ci"}`, 2, 2, 0},
		{`{"name":"DEPLOY"}`, 1, 1, 0},
		{`{"active":false}`, 2, 2, 0},
		{`{"active":true,"role":"admin"}`, 1, 1, 0},
		{`{"role":"Owner"}`, 2, 2, 0},
		{`{"role":"` + sandbox.RoleID("billing") + `"}`, 1, 1, 0},
		{`{"role":"nonsense"}`, 0, 0, 0},
	} {
		b := newBench(t)
		r := b.call(t, t.Context(), "list_api_keys", tt.arguments)
		conforms(t, "list_api_keys", r)
		var out struct {
			Items      []map[string]any
			Total      int
			NextOffset int `json:"next_offset"`
		}
		if err := json.Unmarshal(r.StructuredContent, &out); err != nil {
			t.Fatalf("%s: %v", r.raw, err)
		}
		if out.Total != tt.total || len(out.Items) != tt.items || out.NextOffset != tt.next {
			t.Errorf("%s: got %d of %d, next %d; want %d of %d, next %d", tt.arguments, len(out.Items), out.Total, out.NextOffset, tt.items, tt.total, tt.next)
		}
		for _, item := range out.Items {
			for name, v := range item {
				if v == "" || v == nil {
					t.Errorf("%s is empty", name)
				}
			}
		}
	}
}

// A list that repeats itself is not taken for the whole.
func TestListThatRepeatsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 60 {
			b.call(t, t.Context(), "create_api_key", fmt.Sprintf(`{"name":"n%d"}`, i))
		}
		b.api.Fail(faulty.Fault{Method: "GET", IgnoreOffset: true, Times: -1})
		for _, tool := range []string{"list_api_keys", "audit_api_keys"} {
			if r := b.call(t, t.Context(), tool, `{}`); !r.IsError || !strings.Contains(r.text(), "is inconsistent") {
				t.Errorf("%s: got %s", tool, r.raw)
			}
		}
	})
}

// Other lists are paged by the API; that there is more is said even where it does
// not tell the total.
func TestListsArePaged(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		tool, arguments string
		next            string
	}{
		{"list_projects", `{"limit":3}`, `"next_offset":3`},
		{"list_projects", `{"limit":3,"offset":3}`, ""},
		{"list_roles", `{"limit":5}`, `"next_offset":5`},
		{"list_roles", `{"scope":"account"}`, ""},
		{"list_members", `{"limit":2,"status":"active"}`, `"next_offset":2`},
	} {
		r := b.call(t, t.Context(), tt.tool, tt.arguments)
		conforms(t, tt.tool, r)
		if has := strings.Contains(string(r.StructuredContent), `"next_offset"`); has != (tt.next != "") || !strings.Contains(string(r.StructuredContent), tt.next) {
			t.Errorf("%s %s: got %s, want %s", tt.tool, tt.arguments, r.StructuredContent, tt.next)
		}
		if more := strings.Contains(r.text(), "call again with offset"); more != (tt.next != "") {
			t.Errorf("%s %s: got %q", tt.tool, tt.arguments, r.text())
		}
	}
}

// A key that was regenerated for nobody cannot be undone: the log says so.
func TestRegeneratedForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second})
		c := dial(t, b)
		c.Send(mcptest.Call("1", "regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana")))
		time.Sleep(500 * time.Millisecond)
		c.Send(mcptest.Cancel("1"))
		if got := c.End(); len(got) != 0 {
			t.Errorf("a cancelled call was answered: %s", got)
		}
		if !strings.Contains(b.log.String(), sandbox.KeyID("grafana")) || !strings.Contains(b.log.String(), "regenerate it again") {
			t.Errorf("the log does not say so: %s", b.log)
		}
	})
}

// A member that appeared a little before is not claimed to be the one whose answer
// was lost: the API does not tell which key a member stands for.
func TestMemberThatMayBeAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		grant := func(handle string) result {
			return b.call(t, t.Context(), "add_project_member", args("project_id", sandbox.ProjectID("playground"), "api_key_id", sandbox.KeyID(handle), "role_id", sandbox.RoleID("viewer")))
		}
		another := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
			c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
		})
		if r := another.call(t, t.Context(), "add_project_member", args("project_id", sandbox.ProjectID("playground"), "api_key_id", sandbox.KeyID("ci"), "role_id", sandbox.RoleID("viewer"))); r.IsError {
			t.Fatal(r.text())
		}
		time.Sleep(time.Minute)
		b.api.Fail(faulty.Fault{Method: "POST", Cut: true})
		if r := grant("grafana"); !r.IsError || !strings.Contains(r.text(), "may have been created") || strings.Contains(r.text(), "was created, though") {
			t.Errorf("got %s", r.raw)
		}
	})
}
