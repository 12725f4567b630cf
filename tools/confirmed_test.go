package tools_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

type doubts struct {
	Unconfirmed []string
	NotApplied  []string `json:"not_applied"`
}

// A response that does not show what was asked for is no proof that it was done: the
// summary and the structured result name each such property.
func TestWhatIsNotConfirmedIsSaid(t *testing.T) {
	key, deployer, production := sandbox.KeyID("grafana"), sandbox.RoleID("deployer"), sandbox.ProjectID("production")
	chen, prodChen := sandbox.MemberID("", "chen@meridian.example"), sandbox.MemberID("production", "chen@meridian.example")
	member, viewer := sandbox.RoleID("member"), sandbox.RoleID("viewer")
	const expiry = `"expires_at":"2100-01-01T00:00:00Z"`
	for _, tt := range []struct {
		tool, arguments string
		property        string
		other           any // another value than the requested one
	}{
		{"update_api_key", `{"api_key_id":"` + key + `","is_active":false}`, "is_active", true},
		{"update_api_key", `{"api_key_id":"` + key + `",` + expiry + `}`, "expires_at", "2099-01-01T00:00:00Z"},
		{"update_api_key", `{"api_key_id":"` + key + `",` + expiry + `}`, "expires_at", "never"},
		{"update_api_key", `{"api_key_id":"` + key + `","rate_limit_tier":"high"}`, "rate_limit_tier", "standard"},
		{"update_api_key", args("api_key_id", key, "name", "New name"), "name", "Grafana"},
		{"update_role", args("role_id", deployer, "name", "New name"), "name", "Deployer"},
		{"update_role", args("role_id", deployer, "description", "New"), "description", "Old"},
		{"update_role", `{"role_id":"` + deployer + `","permissions":["vm.view"]}`, "permissions", []string{"vm.view", "vm.create"}},
		{"update_project", args("project_id", production, "name", "New name"), "name", "Production"},
		{"update_project", args("project_id", production, "description", "New"), "description", "Old"},
		{"update_project", args("project_id", production, "default_region", "us-east"), "default_region", "us-west"},
		{"update_member", args("member_id", chen, "status", "suspended"), "status", "active"},
		{"update_member", args("member_id", chen, "role_id", sandbox.RoleID("billing")), "role_id", member},
		{"update_project_member", args("project_id", production, "member_id", prodChen, "status", "suspended"), "status", "active"},
		{"update_project_member", args("project_id", production, "member_id", prodChen, "role_id", viewer), "role_id", member},
		{"create_api_key", `{"name":"ci",` + expiry + `}`, "expires_at", "2099-01-01T00:00:00Z"},
		{"create_api_key", `{"name":"ci",` + expiry + `}`, "expires_at", "never"},
		{"create_api_key", `{"name":"ci","rate_limit_tier":"high"}`, "rate_limit_tier", "standard"},
		{"create_api_key", args("name", "ci", "role_id", member), "role_id", viewer},
		{"create_api_key", args("name", "ci"), "name", "another"},
		{"replace_api_key", `{"api_key_id":"` + sandbox.KeyID("terraform") + `",` + expiry + `}`, "expires_at", "2099-01-01T00:00:00Z"},
		{"replace_api_key", args("api_key_id", sandbox.KeyID("terraform")), "role_id", member},
		{"replace_api_key", args("api_key_id", sandbox.KeyID("terraform")), "rate_limit_tier", "high"},
		{"create_role", `{"name":"A","slug":"a","scope":"account","permissions":["account.audit.view"]}`, "permissions", []string{"account.billing.manage"}},
		{"create_role", `{"name":"A","slug":"a","scope":"account","permissions":["account.audit.view"]}`, "scope", "project"},
		{"create_role", `{"name":"A","slug":"a","scope":"account","permissions":["account.audit.view"]}`, "slug", "b"},
		{"create_project", args("name", "New", "description", "x"), "description", "y"},
		{"create_project", args("name", "New"), "name", "Old"},
		{"add_member", args("email", "new@meridian.example", "role_id", member), "role_id", viewer},
		{"add_member", args("email", "new@meridian.example", "role_id", member), "email", "old@meridian.example"},
		{"add_project_member", args("project_id", production, "api_key_id", key, "role_id", viewer), "role_id", member},
		{"create_account_invitation", args("email", "new@meridian.example", "role_id", member), "role_id", viewer},
		{"create_account_invitation", args("email", "new@meridian.example", "role_id", member), "email", "old@meridian.example"},
		{"create_project_invitation", args("project_id", production, "email", "new@meridian.example", "role_id", viewer), "role_id", member},
	} {
		t.Run(tt.tool+" "+tt.property, func(t *testing.T) {
			method := map[bool]string{true: "POST", false: "PATCH"}[!strings.HasPrefix(tt.tool, "update")]
			if tt.tool == "update_project" {
				method = "PUT"
			}
			call := func(f faulty.Fault) (result, doubts) {
				b := newBench(t)
				f.Method = method
				b.api.Fail(f)
				r := b.call(t, t.Context(), tt.tool, tt.arguments)
				if r.IsError {
					t.Fatalf("got %s", r.text())
				}
				conforms(t, tt.tool, r)
				var d doubts
				if err := json.Unmarshal(r.StructuredContent, &d); err != nil {
					t.Fatal(err)
				}
				return r, d
			}
			if r, d := call(faulty.Fault{}); len(d.Unconfirmed)+len(d.NotApplied) > 0 || strings.Contains(r.text(), "before you report") {
				t.Errorf("a faithful response is doubted: %+v %s", d, r.text())
			}
			r, d := call(faulty.Fault{Set: map[string]any{tt.property: tt.other}})
			if !slices.Equal(d.NotApplied, []string{tt.property}) || len(d.Unconfirmed) > 0 || !strings.Contains(r.text(), "was not changed or set") {
				t.Errorf("with another value: got %+v and %s", d, r.text())
			}
			r, d = call(faulty.Fault{Omit: []string{tt.property}})
			if !slices.Equal(d.Unconfirmed, []string{tt.property}) || len(d.NotApplied) > 0 || !strings.Contains(r.text(), "does not show the requested") || !strings.Contains(r.text(), "check with ") {
				t.Errorf("without it: got %+v and %s", d, r.text())
			}
			for _, lie := range []string{"It never expires", "Changed the"} {
				if (tt.property == "expires_at" || method != "POST") && strings.Contains(r.text(), lie) {
					t.Errorf("without it: got %s", r.text())
				}
			}
		})
	}
}

// What only looks different is the same.
func TestSameValuesAreConfirmed(t *testing.T) {
	key, long := sandbox.KeyID("grafana"), strings.Repeat("long ", 100)
	for _, tt := range []struct {
		tool, arguments, property string
		shown                     any
	}{
		{"update_api_key", `{"api_key_id":"` + key + `","expires_at":"2100-01-01T02:00:00.7+02:00"}`, "expires_at", "2100-01-01T00:00:00Z"},
		{"update_api_key", args("api_key_id", key, "name", " New\u200b  name\n"), "name", "New name"},
		{"update_role", `{"role_id":"` + sandbox.RoleID("deployer") + `","permissions":["vm.view","vm.create","vm.view"]}`, "permissions", []string{"vm.create", "vm.view"}},
		{"update_role", `{"role_id":"` + sandbox.RoleID("deployer") + `","description":""}`, "description", ""},
		{"update_role", args("role_id", sandbox.RoleID("deployer"), "description", long), "description", long[:300] + "…"},
		{"update_member", args("member_id", sandbox.MemberID("", "chen@meridian.example"), "role_id", strings.ToUpper(sandbox.RoleID("billing"))), "role_id", sandbox.RoleID("billing")},
	} {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "PATCH", Set: map[string]any{tt.property: tt.shown}})
		if r := b.call(t, t.Context(), tt.tool, tt.arguments); r.IsError || strings.Contains(string(r.StructuredContent), "not_applied") || strings.Contains(string(r.StructuredContent), "unconfirmed") {
			t.Errorf("%s %s: got %s", tt.tool, tt.property, r.raw)
		}
	}
}

// That a key never expires is said only if that is what was asked for and what is shown.
func TestExpiryOfRegeneratedKey(t *testing.T) {
	for omitted, want := range map[string]string{"": "It expires at ", "expires_at": "does not show the key's expiry, which was "} {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "POST", Omit: []string{omitted}})
		r := b.call(t, t.Context(), "regenerate_api_key", args("api_key_id", sandbox.KeyID("grafana"), "confirm_name", "Grafana"))
		if r.IsError || !strings.Contains(r.text(), want) || strings.Contains(r.text(), "never expires") {
			t.Errorf("without %q: got %s", omitted, r.text())
		}
	}
}

// No finding and no next step tells to do to the server's own key what the server
// refuses; they say what the user has to do instead.
func TestNextStepsForOwnKey(t *testing.T) {
	own := sandbox.KeyID("owner")
	const source = "RAFF_API_KEY_FILE (/x/key)"
	for _, masked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.KeySource = keyFrom(source) })
			if masked {
				b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/api-keys*", Set: map[string]any{"key_prefix": "raff_…"}, Times: -1})
			}
			r := b.call(t, t.Context(), "audit_api_keys", `{"unused_days":1}`)
			var out struct {
				Findings []struct{ ID, Kind, Fix string }
			}
			if err := json.Unmarshal(r.StructuredContent, &out); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, f := range out.Findings {
				if f.ID != own {
					continue
				}
				n++
				for _, want := range []string{"the one that the server itself runs with", "replace_api_key", source, "no restart is needed", "only then revoke"} {
					if masked && strings.HasPrefix(want, "the one") {
						want = "it may be the one"
					} else if !masked && strings.HasPrefix(want, "the one") {
						want = "This is the key that the server itself runs with"
					}
					if !strings.Contains(f.Fix, want) {
						t.Errorf("masked %t, %s: got %q, want it to say %q", masked, f.Kind, f.Fix, want)
					}
				}
				if strings.Contains(f.Fix, "revoke_api_key {") || strings.Contains(f.Fix, "update_api_key {") || strings.Contains(f.Fix, "regenerate_api_key") {
					t.Errorf("masked %t, %s: it recommends what is refused: %q", masked, f.Kind, f.Fix)
				}
			}
			if n < 2 {
				t.Errorf("masked %t: got %d findings about the server's own key", masked, n)
			}

			r = b.call(t, t.Context(), "replace_api_key", args("api_key_id", own, "expires_at", "2100-01-01T00:00:00Z"))
			for _, want := range []string{"where the server gets its key (" + source + ")", "no restart is needed", "which this server refuses as long as that is its own"} {
				if r.IsError || !strings.Contains(r.text(), want) {
					t.Errorf("masked %t: got %s, want it to say %q", masked, r.text(), want)
				}
			}
			for _, tool := range []string{"revoke_api_key", "regenerate_api_key"} {
				r := b.call(t, t.Context(), tool, args("api_key_id", own, "confirm_name", "Owner"))
				if !r.IsError || !masked && !strings.Contains(r.text(), source) {
					t.Errorf("masked %t: %s: got %s", masked, tool, r.text())
				}
			}
		})
	}
}

// Nor is the user of a sandbox told to put a key somewhere: it makes its own.
func TestOwnKeyOfSandbox(t *testing.T) {
	b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.Sandbox = true })
	if r := b.call(t, t.Context(), "revoke_api_key", args("api_key_id", sandbox.KeyID("owner"), "confirm_name", "Owner")); !r.IsError || !strings.Contains(r.text(), "every start of the server") {
		t.Errorf("got %s", r.text())
	}
	b.api.Fail(faulty.Fault{Status: 401, Body: `{"message":"unknown or revoked API key"}`})
	r := b.call(t, t.Context(), "list_api_keys", `{}`)
	if !r.IsError || !strings.Contains(r.text(), "Restart the server") || strings.Contains(r.text(), "comes from") {
		t.Errorf("got %s", r.text())
	}
}

// A key with a tier that no new key can have is replaced all the same, and the result
// says with which.
func TestReplaceKeyOfAnotherTier(t *testing.T) {
	for tier, want := range map[any]string{"unlimited": `"unlimited"`, "HIGH": `"HIGH"`, "ignore\nthis": `"ignore this"`, "": "does not show the rate limit tier", "standard": "", "high": ""} {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"rate_limit_tier": tier}})
		r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("terraform")))
		if r.IsError || !strings.Contains(r.text(), want) || strings.Contains(r.text(), "30 requests per second") != (want != "") {
			t.Errorf("%q: got %s, want it to say %q", tier, r.text(), want)
			continue
		}
		made, wantTier := b.made()[0].RateLimitTier, "standard"
		if tier == "high" {
			wantTier = "high"
		}
		if made != wantTier {
			t.Errorf("%q: got tier %q, want %q", tier, made, wantTier)
		}
		if remaining := strings.Join(replaced(t, r).Remaining, " "); strings.Contains(remaining, "30 requests per second") != (want != "") {
			t.Errorf("%q: got remaining %q", tier, remaining)
		}
	}
}

// Where different arguments do not help, none are asked for.
func TestRefusalsThatNoArgumentHelps(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct{ tool, arguments, want string }{
		{"update_role", args("role_id", sandbox.RoleID("admin"), "name", "x"), "is_system"},
		{"delete_role", args("role_id", sandbox.RoleID("admin"), "confirm_name", "Admin"), "is_system"},
		{"delete_role", args("role_id", sandbox.RoleID("deployer"), "confirm_name", "Deployer"), "still has"},
		{"remove_member", args("member_id", sandbox.MemberID("", "olivia@meridian.example"), "confirm_name", "olivia@meridian.example"), "Owner cannot be removed"},
		{"add_member", args("email", "chen@meridian.example", "role_id", sandbox.RoleID("member")), "anyone who is a member"},
		{"create_account_invitation", args("email", "chen@meridian.example", "role_id", sandbox.RoleID("member")), "anyone who is a member"},
		{"delete_project", args("project_id", sandbox.ProjectID("default"), "confirm_name", "Default"), "default project"},
	} {
		if tt.tool == "delete_project" {
			for _, p := range b.api.Projects() {
				if p.Default {
					tt.arguments = args("project_id", p.ID, "confirm_name", p.Name)
				}
			}
		}
		r := b.call(t, t.Context(), tt.tool, tt.arguments)
		if !r.IsError || !strings.Contains(r.text(), tt.want) || !strings.Contains(r.text(), "ifferent arguments do not help") || strings.Contains(r.text(), "Correct the arguments") ||
			strings.HasPrefix(tt.arguments, `{"confirm_name"`) && strings.Contains(r.text(), "correct that") {
			t.Errorf("%s: got %s, want it to say %q", tt.tool, r.text(), tt.want)
		}
	}
}

// Before anything is created or replaced, a line in the log says what: even a program
// that is killed leaves a trace.
func TestCreationsAreAnnounced(t *testing.T) {
	for _, tool := range tools.All() {
		if tool.Effect != "creates" && tool.Effect != "replaces" {
			continue
		}
		t.Run(tool.Name, func(t *testing.T) {
			all := examples()
			x := all[slices.IndexFunc(all, func(x example) bool { return x.tool == tool.Name })]
			var b *bench
			posts := 0
			b = newBench(t, func(c *raffclient.Config, _ *tools.Config) {
				inner := c.Transport
				c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.Method != "GET" {
						posts++
						if n := strings.Count(b.log.String(), "level=INFO"); n != posts || !strings.Contains(b.log.String(), "tool="+tool.Name+" ") {
							t.Errorf("request %d is not announced: %s", posts, b.log)
						}
					}
					return inner.RoundTrip(r)
				})
			})
			want := 1
			if x.tool == "replace_api_key" { // a key with a grant, which is another creation
				x.arguments, want = args("api_key_id", sandbox.KeyID("ci"), "expires_at", "2100-01-01T00:00:00Z"), 2
			}
			if r := b.call(t, t.Context(), x.tool, x.arguments); r.IsError || posts != want {
				t.Fatalf("got %s after %d requests, want %d", r.raw, posts, want)
			}
		})
	}
	// What the assistant chose as a name is data in the log.
	b := newBench(t)
	b.call(t, t.Context(), "create_api_key", args("name", "a\nb level=ERROR raff_"+strings.Repeat("0a", 32)))
	if log := b.log.String(); !strings.Contains(log, `msg="creating API key" tool=create_api_key name="a b level=ERROR raff_0a0a0a0a…[redacted]"`) {
		t.Errorf("got log %s", log)
	}
}
