package tools_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// accessResult is what results say about what somebody can use.
type accessResult struct {
	Summary      string
	MemberID     string `json:"member_id"`
	APIKeyID     string `json:"api_key_id"`
	APIKeyName   string `json:"api_key_name"`
	AccountRole  string `json:"account_role"`
	ProjectRoles []struct {
		ProjectName string `json:"project_name"`
		RoleName    string `json:"role_name"`
		MemberID    string `json:"member_id"`
	} `json:"project_roles"`
	APIKeys []struct {
		Name  string
		InUse bool `json:"in_use"`
		Fix   string
	} `json:"api_keys"`
	Invitations []struct {
		ID string `json:"invitation_id"`
	}
	Steps, Unknown []string
	Member         struct {
		ID         string
		APIKeyID   string `json:"api_key_id"`
		APIKeyName string `json:"api_key_name"`
	}
	Access        *accessResult
	AccessUnknown string `json:"access_unknown"`
	Items         []struct {
		ID         string
		APIKeyName string `json:"api_key_name"`
		InvitedBy  string `json:"invited_by"`
	}
}

func (b *bench) access(t *testing.T, tool, arguments string) (a accessResult) {
	t.Helper()
	r := b.call(t, t.Context(), tool, arguments)
	if r.IsError {
		t.Fatalf("%s %s: got %s", tool, arguments, r.text())
	}
	conforms(t, tool, r)
	if err := json.Unmarshal(r.StructuredContent, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a accessResult) roles() (list []string) {
	for _, r := range a.ProjectRoles {
		list = append(list, r.RoleName+" in "+r.ProjectName)
	}
	return list
}

func (a accessResult) keys() (list []string) {
	for _, k := range a.APIKeys {
		list = append(list, fmt.Sprintf("%s %t", k.Name, k.InUse))
	}
	return list
}

// another is a second server over the account of b.
func another(t *testing.T, b *bench) *bench {
	t.Helper()
	return newBench(t, func(c *raffclient.Config, _ *tools.Config) {
		c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
	})
}

// A member that is a key is called by the key's name from the call on that added it. A
// server that did not add it does not pretend to know.
func TestMembersThatAreKeys(t *testing.T) {
	key, viewer := sandbox.KeyID("ci"), sandbox.RoleID("viewer")
	project := args("project_id", sandbox.ProjectID("playground"))
	for _, tt := range []struct{ in, list, get, update, remove, add string }{
		{project, "list_project_members", "get_project_member", "update_project_member", "remove_project_member", args("project_id", sandbox.ProjectID("playground"), "api_key_id", key, "role_id", viewer)},
		{`{}`, "list_members", "get_member", "update_member", "remove_member", args("api_key_id", key, "role_id", sandbox.RoleID("member"))},
	} {
		b := newBench(t)
		var in map[string]any
		if err := json.Unmarshal([]byte(tt.in), &in); err != nil {
			t.Fatal(err)
		}
		added := b.access(t, strings.Replace(tt.get, "get_", "add_", 1), tt.add)
		if added.Member.APIKeyName != "CI" || added.Member.APIKeyID != key || !strings.Contains(added.Summary, `API key "CI"`) {
			t.Errorf("add: got %+v", added)
		}
		b.call(t, t.Context(), "update_api_key", args("api_key_id", key, "name", "Pipeline"))
		arguments := with(t, in, "member_id", added.Member.ID)
		if got := b.access(t, tt.get, arguments); got.APIKeyName != "Pipeline" || !strings.Contains(got.Summary, `API key "Pipeline"`) {
			t.Errorf("%s: got %+v", tt.get, got)
		}
		listed := b.access(t, tt.list, tt.in)
		if i := len(listed.Items) - 1; i < 0 || listed.Items[i].ID != added.Member.ID || listed.Items[i].APIKeyName != "CI" {
			t.Errorf("%s: got %+v", tt.list, listed)
		}
		other := another(t, b)
		for tool, arguments := range map[string]string{tt.get: arguments, tt.list: tt.in} {
			if got := other.access(t, tool, arguments); !strings.Contains(got.Summary, "an API key or a deleted user") {
				t.Errorf("another server, %s: got %q", tool, got.Summary)
			}
		}
		in["member_id"] = added.Member.ID
		if got := b.access(t, tt.update, with(t, in, "status", "suspended")); got.Member.APIKeyName != "Pipeline" || !strings.Contains(got.Summary, `API key "Pipeline"`) {
			t.Errorf("%s: got %+v", tt.update, got)
		}
		if r := b.call(t, t.Context(), tt.remove, with(t, in, "confirm_name", "Pipeline")); !r.IsError {
			t.Errorf("%s by the key's name: got %s", tt.remove, r.raw)
		}
		if got := b.access(t, tt.remove, with(t, in, "confirm_name", added.Member.ID)); !strings.Contains(got.Summary, `API key "Pipeline"`) {
			t.Errorf("%s: got %q", tt.remove, got.Summary)
		}
	}
}

// The server remembers the latest keys that it added, not all, and is asked concurrently.
func TestRememberedKeysAreBounded(t *testing.T) {
	const most = 1000
	id := func(n int64) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }
	synctest.Test(t, func(t *testing.T) {
		var added atomic.Int64
		b := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
			c.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				member, status := path.Base(r.URL.Path), 200
				if r.Method == "POST" {
					member, status = id(added.Add(1)), 201
				}
				body := fmt.Sprintf(`{"success":true,"data":{"id":%q,"name":"CI","status":"active"}}`, member)
				return &http.Response{StatusCode: status, Header: http.Header{"X-Ratelimit-Limit": {"1000"}}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}, nil
			})
		})
		add := func() {
			b.call(t, t.Context(), "add_member", args("api_key_id", nobody, "role_id", nobody))
		}
		named := func(n int64) bool {
			return strings.Contains(b.call(t, t.Context(), "get_member", args("member_id", id(n))).text(), `API key "CI"`)
		}
		add()
		if !named(1) {
			t.Error("the first key is not remembered")
		}
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range most / 8 {
					add()
				}
			})
		}
		all.Wait()
		if named(1) || !named(added.Load()) {
			t.Errorf("after %d keys: the first is remembered: %t, the last: %t", added.Load(), named(1), named(added.Load()))
		}
	})
}

// What a key can use after it was added is read afterwards. If that fails, the key was
// added all the same.
func TestAccessOfAddedKey(t *testing.T) {
	add := args("project_id", sandbox.ProjectID("playground"), "api_key_id", sandbox.KeyID("dana-laptop"), "role_id", sandbox.RoleID("viewer"))
	b := newBench(t)
	got := b.access(t, "add_project_member", add)
	if got.Access == nil || got.Access.AccountRole != "Member" || !slices.Equal(got.Access.roles(), []string{"Operator in Staging", "Viewer in Playground"}) {
		t.Fatalf("got %+v", got.Access)
	}
	if got.Access.ProjectRoles[0].MemberID != "" || got.Access.ProjectRoles[1].MemberID != got.Member.ID {
		t.Errorf("got member IDs %+v, want only that of the call", got.Access.ProjectRoles)
	}
	_, undo, _ := strings.Cut(got.Summary, "remove_project_member ")
	if r := b.call(t, t.Context(), "remove_project_member", undo[:strings.Index(undo, "}")+1]); r.IsError {
		t.Errorf("the call that undoes it: got %s", r.text())
	}
	for _, fault := range []faulty.Fault{{Status: 403}, {Set: map[string]any{"project_accesses": "all"}}, {Delay: time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			fault.Method, fault.Path, fault.Times = "GET", "/api/v1/api-keys/*", -1
			b.api.Fail(fault)
			start := time.Now()
			got := b.access(t, "add_project_member", add)
			if got.Access != nil || got.AccessUnknown == "" || !strings.Contains(got.Summary, "is unknown: ") || got.Member.APIKeyID != sandbox.KeyID("dana-laptop") {
				t.Errorf("got %+v", got)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// A role that a key had before is named, because Raff may replace it.
func TestAddKeyThatHasRole(t *testing.T) {
	b := newBench(t)
	add := args("api_key_id", sandbox.KeyID("grafana"), "role_id", sandbox.RoleID("billing"))
	if r := b.call(t, t.Context(), "add_member", add); !r.IsError || !strings.Contains(r.text(), "a key that has an account role") {
		t.Errorf("got %s", r.raw)
	}
	b.api.Fail(faulty.Fault{Method: "POST", Status: 201, Body: `{"success":true,"data":{"id":"` + nobody + `","role_id":"` + sandbox.RoleID("billing") + `","role_name":"Billing","status":"active"}}`})
	if got := b.access(t, "add_member", add); !strings.Contains(got.Summary, `Before, its account role was "Member" (role ID `+sandbox.RoleID("member")) || got.Access == nil {
		t.Errorf("got %+v", got)
	}
}

// What a change of a member does to the key that it is, is read, not assumed.
func TestRoleOfKeyAfterUpdate(t *testing.T) {
	key, billing := sandbox.KeyID("ci"), sandbox.RoleID("billing")
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		want  string
	}{
		{"changed", faulty.Fault{}, `The key's account role is now "Billing".`},
		{"not changed", faulty.Fault{Set: map[string]any{"role_id": sandbox.RoleID("member"), "role_name": "Member"}}, `still "Member"`},
		{"unknown", faulty.Fault{Status: 403}, "is unknown; check with get_api_key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			added := b.access(t, "add_member", args("api_key_id", key, "role_id", sandbox.RoleID("member")))
			tt.fault.Method, tt.fault.Path, tt.fault.Times = "GET", "/api/v1/api-keys/*", -1
			b.api.Fail(tt.fault)
			if got := b.access(t, "update_member", args("member_id", added.Member.ID, "role_id", billing)); !strings.Contains(got.Summary, tt.want) {
				t.Errorf("got %q, want it to say %q", got.Summary, tt.want)
			}
		})
	}
	b := newBench(t)
	if got := b.access(t, "update_member", args("member_id", sandbox.MemberID("", "status-page"), "role_id", billing)); !strings.Contains(got.Summary, "Raff does not document") {
		t.Errorf("of a member that may be a key: got %q", got.Summary)
	}
	if got := b.access(t, "update_member", args("member_id", sandbox.MemberID("", "bea@meridian.example"), "role_id", sandbox.RoleID("member"))); strings.Contains(got.Summary, "key") {
		t.Errorf("of a person: got %q", got.Summary)
	}
}

// Who removes a person learns which keys that person created and which roles went.
func TestRemoveMemberSaysWhatRemains(t *testing.T) {
	chen := sandbox.MemberID("", "chen@meridian.example")
	remove := args("member_id", chen, "confirm_name", "chen@meridian.example")
	b := newBench(t)
	got := b.access(t, "remove_member", remove)
	if want := []string{"CI true", "Load test false"}; !slices.Equal(got.keys(), want) {
		t.Errorf("got keys %v, want %v", got.keys(), want)
	}
	if want := []string{"Operator in Production", "Project Admin in Staging"}; !slices.Equal(got.roles(), want) {
		t.Errorf("got roles %v, want %v", got.roles(), want)
	}
	for _, want := range []string{got.APIKeys[0].Fix, got.APIKeys[1].Fix, `"Operator" in "Production"`} {
		if !strings.Contains(got.Summary, want) {
			t.Errorf("got %q, want it to say %q", got.Summary, want)
		}
	}
	if !strings.HasPrefix(got.APIKeys[0].Fix, "replace_api_key {") || got.APIKeys[1].Fix != `revoke_api_key `+`{"api_key_id":"`+sandbox.KeyID("load-test")+`","confirm_name":"Load test"}` {
		t.Errorf("got fixes %+v", got.APIKeys)
	}
	for name, tt := range map[string]struct {
		fault faulty.Fault
		want  string
	}{
		"keys":          {faulty.Fault{Path: "/api/v1/api-keys*", Status: 403}, "account.apikeys.view"},
		"projects":      {faulty.Fault{Path: "/api/v1/projects", Status: 403}, "account.projects.view"},
		"one project":   {faulty.Fault{Path: "/api/v1/projects/" + sandbox.ProjectID("production") + "/members", Status: 403}, `project "Production"`},
		"slow projects": {faulty.Fault{Path: "/api/v1/projects/*", Delay: time.Hour}, "The members of 3 of 4 projects were not read, because that took too long."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				tt.fault.Method, tt.fault.Times = "GET", -1
				b.api.Fail(tt.fault)
				start := time.Now()
				got := b.access(t, "remove_member", remove)
				if len(got.Unknown) == 0 || !strings.Contains(strings.Join(got.Unknown, " "), tt.want) || !strings.Contains(got.Summary, tt.want) || time.Since(start) > 10*time.Second {
					t.Errorf("after %v got %+v, want it to say %q", time.Since(start), got, tt.want)
				}
				if slices.ContainsFunc(b.api.Members(), func(m sandbox.Member) bool { return m.ID == chen }) {
					t.Error("the member was not removed")
				}
			})
		})
	}
}

// The server's own key is not among those that somebody is told to revoke.
func TestOwnKeyOfRemovedMember(t *testing.T) {
	b := newBench(t)
	got := b.access(t, "get_access", args("email", "olivia@meridian.example"))
	for _, k := range got.APIKeys {
		if own := strings.Contains(k.Fix, "the server itself runs with"); own != (k.Name == "Owner") || own && strings.Contains(k.Fix, "revoke_api_key {") {
			t.Errorf("%s: got %q", k.Name, k.Fix)
		}
	}
	if len(got.Steps) > 0 || !strings.Contains(got.Summary, "cannot be removed") {
		t.Errorf("the Owner can be removed: %+v", got)
	}
}

func TestGetAccess(t *testing.T) {
	for _, tt := range []struct {
		arguments                string
		account, roles, keys     string
		invitations, steps, gaps int
		want                     string
	}{
		{args("email", "CHEN@meridian.example"), "Member", "Operator in Production, Project Admin in Staging", "CI true, Load test false", 0, 2, 0, "remove_member {"},
		{args("member_id", sandbox.MemberID("", "dana@meridian.example")), "Member", "Project Member in Staging", "Dana laptop true", 0, 2, 0, `status "suspended"`},
		{args("member_id", sandbox.MemberID("", "bea@meridian.example")), "Billing", "", "Invoice export false", 0, 1, 0, "no project roles"},
		{args("email", "eva@contractor.example"), "", "", "", 1, 1, 0, "is invited to the account"},
		{args("email", "HUGO@contractor.example"), "", "", "", 1, 1, 0, "is not a member of the account"},
		{args("email", "farid@meridian.example"), "", "", "", 0, 0, 1, "Raff lists keys by user ID"},
		{args("api_key_id", sandbox.KeyID("ci")), "", "Deployer in Staging", "", 0, 0, 1, "no account role and 1 project role"},
		{args("api_key_id", sandbox.KeyID("break-glass")), "Owner", "", "", 0, 0, 0, "everything in every project"},
		{args("member_id", sandbox.MemberID("", "status-page")), "Member", "", "", 0, 0, 0, "call get_access with its api_key_id"},
	} {
		t.Run(tt.arguments, func(t *testing.T) {
			b := newBench(t)
			got := b.access(t, "get_access", tt.arguments)
			if got.AccountRole != tt.account || strings.Join(got.roles(), ", ") != tt.roles || strings.Join(got.keys(), ", ") != tt.keys {
				t.Errorf("got %q, %q, %q; want %q, %q, %q", got.AccountRole, got.roles(), got.keys(), tt.account, tt.roles, tt.keys)
			}
			if len(got.Invitations) != tt.invitations || len(got.Steps) != tt.steps || len(got.Unknown) != tt.gaps {
				t.Errorf("got %+v", got)
			}
			if !strings.Contains(got.Summary, tt.want) {
				t.Errorf("got %q, want it to say %q", got.Summary, tt.want)
			}
		})
	}
	b := newBench(t)
	if r := b.call(t, t.Context(), "get_access", args("member_id", nobody)); !r.IsError || !strings.Contains(r.text(), "Call again with email") {
		t.Errorf("an unknown ID: got %s", r.raw)
	}
	if r := b.call(t, t.Context(), "get_access", `{}`); !r.IsError || !strings.Contains(r.text(), "exactly one of") {
		t.Errorf("nobody: got %s", r.raw)
	}
}

// Somebody may have project roles without being a member of the account.
func TestAccessOfFormerMember(t *testing.T) {
	b := newBench(t)
	b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/members", Set: map[string]any{"email": "x@meridian.example", "user_id": nobody}, Times: -1})
	got := b.access(t, "get_access", args("email", "chen@meridian.example"))
	if got.MemberID != "" || len(got.roles()) != 2 || len(got.keys()) != 2 || !strings.Contains(got.Summary, "is not a member of the account. They have 2 project roles") {
		t.Errorf("got %+v", got)
	}
	if len(got.Steps) != 3 || !strings.HasPrefix(got.Steps[0], "remove_project_member {") {
		t.Errorf("got steps %q", got.Steps)
	}
}

// The steps of off-boarding are calls that work, and after which nothing is left.
func TestOffboardingSteps(t *testing.T) {
	for _, who := range []string{"chen@meridian.example", "eva@contractor.example", "hugo@contractor.example"} {
		b := newBench(t)
		got := b.access(t, "get_access", args("email", who))
		steps := slices.Clone(got.Steps)
		for _, k := range got.APIKeys {
			steps = append(steps, strings.Split(k.Fix, ", deploy the new secret, then ")...)
		}
		for _, step := range steps {
			tool, arguments, _ := strings.Cut(step, " ")
			arguments = arguments[:strings.LastIndex(arguments, "}")+1]
			if tool == "replace_api_key" {
				arguments = strings.TrimSuffix(arguments, "}") + `,"expires_at":"2100-01-01T00:00:00Z"}`
			}
			if r := b.call(t, t.Context(), tool, arguments); r.IsError {
				t.Errorf("%s: got %s", step, r.text())
			}
		}
		if left := b.access(t, "get_access", args("email", who)); len(left.ProjectRoles)+len(left.Steps)+len(left.Invitations) > 0 || left.MemberID != "" {
			t.Errorf("%s: left is %+v", who, left)
		}
	}
}

// A key that was never used is not revoked without a thought if it is new: it may be about to
// be used.
func TestNewKeyOfAPerson(t *testing.T) {
	for _, tt := range []struct {
		age  time.Duration
		want bool
	}{{6 * 24 * time.Hour, true}, {8 * 24 * time.Hour, false}} {
		b := newBench(t)
		b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/api-keys*", Times: -1,
			Set: map[string]any{"created_at": time.Now().Add(-tt.age).Format(time.RFC3339)}, Omit: []string{"last_used_at"}})
		for _, k := range b.access(t, "get_access", args("email", "chen@meridian.example")).APIKeys {
			if got := strings.HasPrefix(k.Fix, "It is new"); k.Name == "CI" && got != tt.want {
				t.Errorf("after %v: got %q", tt.age, k.Fix)
			}
		}
	}
}

// What get_access may not read is named; what it cannot do without is an error that names
// the permission.
func TestGetAccessWithoutPermissions(t *testing.T) {
	b := newBench(t)
	for _, path := range []string{"/api/v1/api-keys*", "/api/v1/projects/*"} {
		b.api.Fail(faulty.Fault{Method: "GET", Path: path, Status: 403, Times: -1})
	}
	got := b.access(t, "get_access", args("email", "chen@meridian.example"))
	if all := strings.Join(got.Unknown, " "); got.AccountRole != "Member" || !strings.Contains(all, "account.apikeys.view") || !strings.Contains(all, "project.members.view") || !strings.Contains(all, "1 more project") {
		t.Errorf("got %+v", got)
	}
	if strings.Contains(got.Summary, "They created no API keys") {
		t.Errorf("it claims what it could not read: %q", got.Summary)
	}
	if r := b.call(t, t.Context(), "get_access", args("api_key_id", sandbox.KeyID("ci"))); !r.IsError || !slices.Equal(permissionsIn(r.text()), []string{"account.apikeys.view"}) {
		t.Errorf("got %s", r.raw)
	}
}

// Members, projects and roles come with the e-mail address of whoever invited or created
// them. Without it, the result is there all the same, and says why.
func TestCreatorsAreNamed(t *testing.T) {
	const olivia = "olivia@meridian.example"
	production := sandbox.ProjectID("production")
	for _, tt := range []struct{ tool, arguments string }{
		{"list_members", `{"status":"pending"}`},
		{"list_project_members", args("project_id", production)},
		{"get_member", args("member_id", sandbox.MemberID("", "chen@meridian.example"))},
		{"get_project_member", args("project_id", production, "member_id", sandbox.MemberID("production", "chen@meridian.example"))},
		{"get_project", args("project_id", production)},
		{"get_role", args("role_id", sandbox.RoleID("deployer"))},
	} {
		b := newBench(t)
		r := b.call(t, t.Context(), tt.tool, tt.arguments)
		conforms(t, tt.tool, r)
		if !strings.Contains(string(r.StructuredContent), olivia) || strings.Contains(r.text(), "unknown") {
			t.Errorf("%s: got %s", tt.tool, r.raw)
		}
		skip := 0
		if strings.HasSuffix(tt.tool, "t_members") && tt.tool != "list_project_members" || tt.tool == "get_member" {
			skip = 1 // the first request is the call's own
		}
		b = newBench(t)
		b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/members*", Skip: skip, Status: 403, Times: -1})
		r = b.call(t, t.Context(), tt.tool, tt.arguments)
		if r.IsError || strings.Contains(string(r.StructuredContent), olivia) || !strings.Contains(r.text(), "unknown: the server's API key lacks a permission") {
			t.Errorf("%s without permission: got %s", tt.tool, r.raw)
		}
	}
}

// An empty list says what is empty.
func TestEmptyListsOfMembers(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct{ tool, arguments, want string }{
		{"list_project_members", args("project_id", sandbox.ProjectID("playground")), "The project has no members."},
		{"list_project_members", args("project_id", sandbox.ProjectID("production"), "status", "pending"), "The project has no members with status pending."},
		{"list_members", `{"status":"suspended"}`, "1 of 1 members."},
	} {
		if r := b.call(t, t.Context(), tt.tool, tt.arguments); r.text() != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.tool, tt.arguments, r.text(), tt.want)
		}
	}
}

// Whether a project can be deleted is said as far as Raff shows it.
func TestWhetherProjectCanBeDeleted(t *testing.T) {
	b := newBench(t)
	for slug, want := range map[string]string{"default": "It is the default project, which cannot be deleted.", "production": "only if it contains no resources"} {
		if r := b.call(t, t.Context(), "get_project", args("project_id", sandbox.ProjectID(slug))); !strings.Contains(r.text(), want) {
			t.Errorf("%s: got %q", slug, r.text())
		}
	}
	if r := b.call(t, t.Context(), "delete_project", args("project_id", sandbox.ProjectID("production"), "confirm_name", "Production")); !r.IsError || !strings.Contains(r.text(), "these tools cannot list resources") {
		t.Errorf("got %s", r.raw)
	}
}
