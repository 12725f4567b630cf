package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

const nobody = "00000000-0000-4000-8000-000000000000"

// example is a call of a tool that succeeds in a new sandbox.
type example struct {
	tool, arguments string
	operation       string // the API's name for what it does
	requests        int    // how many requests it takes; 0 is one
	said            string // part of the summary
}

func args(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	text, _ := json.Marshal(m)
	return string(text)
}

// examples has one call of every tool: a new tool is tested by being here.
func examples() []example {
	key, project := sandbox.KeyID("grafana"), sandbox.ProjectID("playground")
	production := sandbox.ProjectID("production")
	chen := sandbox.MemberID("production", "chen@meridian.example")
	return []example{
		{"whoami", `{}`, "listApiKeys", 3, "This server runs with the API key \"Owner\""},
		{"list_api_keys", `{}`, "listApiKeys", 2, "All 15 API keys"},
		{"get_api_key", args("api_key_id", key), "getApiKey", 2, "Grafana"},
		{"create_api_key", args("name", "ci"), "createApiKey", 1, "Created API key \"ci\" "},
		{"update_api_key", args("api_key_id", key, "name", "Grafana 2"), "updateApiKey", 2, "Grafana 2"},
		{"regenerate_api_key", args("api_key_id", key, "confirm_name", "Grafana"), "regenerateApiKey", 2, "Regenerated"},
		{"revoke_api_key", args("api_key_id", key, "confirm_name", "Grafana"), "revokeApiKey", 2, "Revoked"},
		{"replace_api_key", args("api_key_id", sandbox.KeyID("terraform")), "createApiKey", 2, "successor"},
		{"audit_api_keys", `{}`, "listApiKeys", 4, "Looked at 15 API keys"},
		{"list_roles", `{}`, "listRoles", 2, "All 11 roles"},
		{"get_role", args("role_id", sandbox.RoleID("deployer")), "getRole", 2, "Deployer"},
		{"create_role", `{"name":"Auditor","slug":"auditor","scope":"account","permissions":["account.audit.view"]}`, "createRole", 1, "Auditor"},
		{"update_role", args("role_id", sandbox.RoleID("deployer"), "name", "Releaser"), "updateRole", 2, "Releaser"},
		{"delete_role", args("role_id", "ROLE", "confirm_name", "Spare"), "deleteRole", 2, "Deleted"},
		{"list_permissions", `{"scope":"account"}`, "listPermissions", 1, "All 21 permissions"},
		{"list_projects", `{}`, "listProjects", 1, "All 4 projects"},
		{"get_project", args("project_id", production), "getProject", 2, "Production"},
		{"create_project", args("name", "New"), "createProject", 1, "Created the project \"New\" "},
		{"update_project", args("project_id", production, "name", "Live"), "updateProject", 2, "Live"},
		{"delete_project", args("project_id", project, "confirm_name", "Playground"), "deleteProject", 2, "Deleted"},
		{"list_members", `{"status":"active"}`, "listMembers", 1, "All 5 members"},
		{"get_member", args("member_id", sandbox.MemberID("", "chen@meridian.example")), "getMember", 2, "chen@meridian.example"},
		{"add_member", args("email", "new@meridian.example", "role_id", sandbox.RoleID("member")), "addMember", 1, "new@meridian.example"},
		{"update_member", args("member_id", sandbox.MemberID("", "chen@meridian.example"), "status", "suspended"), "updateMember", 2, "suspended"},
		{"remove_member", args("member_id", sandbox.MemberID("", "chen@meridian.example"), "confirm_name", "chen@meridian.example"), "removeMember", 8, "Removed"},
		{"list_project_members", args("project_id", production), "listProjectMembers", 2, "All 4 project members"},
		{"get_project_member", args("project_id", production, "member_id", chen), "getProjectMember", 2, "chen@meridian.example"},
		{"add_project_member", args("project_id", project, "api_key_id", key, "role_id", sandbox.RoleID("viewer")), "addProjectMember", 2, "Gave API key \"Grafana\" the project role \"Viewer\""},
		{"update_project_member", args("project_id", production, "member_id", chen, "role_id", sandbox.RoleID("viewer")), "updateProjectMember", 2, "Viewer"},
		{"remove_project_member", args("project_id", production, "member_id", chen, "confirm_name", "chen@meridian.example"), "removeProjectMember", 2, "Removed"},
		{"create_account_invitation", args("email", "new@meridian.example", "role_id", sandbox.RoleID("member")), "createAccountInvitation", 1, "to the account with the role \"Member\""},
		{"create_project_invitation", args("project_id", production, "email", "new@meridian.example", "role_id", sandbox.RoleID("viewer")), "createProjectInvitation", 1, "to the project \"Production\" with the role \"Viewer\""},
		{"cancel_invitation", args("invitation_id", sandbox.InvitationID("eva@contractor.example"), "confirm_name", "eva@contractor.example"), "cancelInvitation", 2, "Cancelled"},
		{"get_access", args("member_id", sandbox.MemberID("", "chen@meridian.example")), "listMembers", 7, "chen@meridian.example"},
	}
}

// failingExamples are the examples of the tools that return an error if the API fails. whoami
// returns what is known without the API: see TestWhoamiWithoutAnswers.
func failingExamples() []example {
	return slices.DeleteFunc(examples(), func(x example) bool { return x.tool == "whoami" })
}

// prepare makes what the example needs beside the seeds, and returns its arguments.
func (x example) prepare(t *testing.T, b *bench) string {
	t.Helper()
	if !strings.Contains(x.arguments, "ROLE") {
		return x.arguments
	}
	r := b.call(t, t.Context(), "create_role", `{"name":"Spare","slug":"spare","scope":"account","permissions":["account.audit.view"]}`)
	var out struct{ Role struct{ ID string } }
	if err := json.Unmarshal(r.StructuredContent, &out); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(x.arguments, "ROLE", out.Role.ID)
}

func TestEveryToolHasAnExample(t *testing.T) {
	var have []string
	for _, x := range examples() {
		have = append(have, x.tool)
	}
	for _, tool := range tools.All() {
		if !slices.Contains(have, tool.Name) {
			t.Errorf("%s has no example: add a call to examples in all_test.go", tool.Name)
		}
	}
}

// Every operation of the API has a tool, named after it in snake case.
func TestEveryOperationHasATool(t *testing.T) {
	var have []string
	for _, tool := range tools.All() {
		have = append(have, tool.Name)
	}
	for _, op := range sandbox.Operations() {
		name := snake(op.ID)
		if strings.HasPrefix(op.Path, "/api/") && !slices.Contains(have, name) {
			t.Errorf("%s has no tool %s", op.ID, name)
		}
	}
}

func snake(id string) string {
	var b strings.Builder
	for _, r := range id {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func operation(t *testing.T, id string) sandbox.Operation {
	t.Helper()
	ops := sandbox.Operations()
	i := slices.IndexFunc(ops, func(op sandbox.Operation) bool { return op.ID == id })
	if i < 0 {
		t.Fatalf("the sandbox does not know %s", id)
	}
	return ops[i]
}

func TestEveryTool(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.tool, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				arguments := x.prepare(t, b)
				before := len(b.api.Requests())
				r := b.call(t, t.Context(), x.tool, arguments)
				if r.IsError || !strings.Contains(r.text(), x.said) {
					t.Fatalf("got %s, want it to say %q", r.raw, x.said)
				}
				conforms(t, x.tool, r)
				requests := b.api.Requests()[before:]
				if len(requests) != x.requests {
					t.Errorf("got %d requests, want %d", len(requests), x.requests)
				}
				if op := operation(t, x.operation); !slices.ContainsFunc(requests, func(r faulty.Request) bool { return r.Method == op.Method }) {
					t.Errorf("none of the requests is a %s", op.Method)
				}
				searchForKeys(t, b.log.String()+r.text())
			})
		})
	}
}

// Arguments that are wrong in any tool: nothing is sent.
func TestEveryToolRefusesBadArguments(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.tool, func(t *testing.T) {
			b := newBench(t)
			var good map[string]any
			if err := json.Unmarshal([]byte(x.arguments), &good); err != nil {
				t.Fatal(err)
			}
			bad := []string{`[]`, `"x"`, `5`, with(t, good, "surprise", 1)}
			for name := range good {
				bad = append(bad, with(t, good, name, []int{}), with(t, good, strings.ToUpper(name[:1])+name[1:], "x"))
				if strings.HasSuffix(name, "id") {
					for _, id := range []string{"", ".", "..", "../members", "a/b", "x?y", nobody + "/regenerate", "%2e%2e"} {
						bad = append(bad, with(t, good, name, id))
					}
				}
			}
			for _, arguments := range bad {
				if r := b.call(t, t.Context(), x.tool, arguments); !r.IsError || !strings.Contains(r.text(), "nothing was sent") {
					t.Errorf("%s: got %s, want an error", arguments, r.raw)
				}
			}
			if n := len(b.api.Requests()); n != 0 {
				t.Errorf("%d requests were sent", n)
			}
		})
	}
}

// with returns the arguments with one of them changed.
func with(t *testing.T, good map[string]any, name string, value any) string {
	t.Helper()
	changed := map[string]any{}
	for k, v := range good {
		changed[k] = v
	}
	changed[name] = value
	text, err := json.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Rules that no schema says to every client.
func TestRulesAcrossProperties(t *testing.T) {
	key, role := sandbox.KeyID("grafana"), sandbox.RoleID("member")
	for _, tt := range []struct{ tool, arguments, want string }{
		{"update_api_key", args("api_key_id", key), "at least one of"},
		{"update_api_key", args("api_key_id", key, "expires_at", "2001-01-01T00:00:00Z"), "'expires_at' must be in the future"},
		{"update_role", args("role_id", role), "at least one of"},
		{"update_role", `{"role_id":"` + role + `","permissions":[]}`, "'permissions'"},
		{"update_project", args("project_id", nobody), "at least one of"},
		{"update_member", args("member_id", nobody), "at least one of"},
		{"update_project_member", args("project_id", nobody, "member_id", nobody), "at least one of"},
		{"add_member", args("role_id", role), "exactly one of"},
		{"add_member", args("role_id", role, "email", "a@b.example", "api_key_id", key), "exactly one of"},
		{"add_project_member", args("project_id", nobody, "role_id", role), "exactly one of"},
		{"add_project_member", args("project_id", nobody, "role_id", role, "target_user_id", nobody, "api_key_id", key), "exactly one of"},
		{"create_role", `{"name":"x","slug":"Not A Slug","scope":"account","permissions":["a"]}`, "'slug'"},
		{"create_account_invitation", args("email", "nonsense", "role_id", role), "'email'"},
	} {
		b := newBench(t)
		if r := b.call(t, t.Context(), tt.tool, tt.arguments); !r.IsError || !strings.Contains(r.text(), tt.want) || len(b.api.Requests()) > 0 {
			t.Errorf("%s %s: got %s, want it to say %q", tt.tool, tt.arguments, r.raw, tt.want)
		}
	}
}

// Whatever the API answers to any tool, the error is text, says what to do, and
// names the permission that is missing.
func TestEveryToolFailsClearly(t *testing.T) {
	for _, x := range failingExamples() {
		for _, f := range []faulty.Fault{
			{Status: 400, Body: `{"error":"Bad Request","message":"not like this"}`},
			{Status: 401}, {Status: 403}, {Status: 404}, {Status: 409}, {Status: 412},
			{Status: 429, Header: http.Header{"Retry-After": {"600"}}},
			{Status: 500}, {Status: 503}, {Cut: true}, {Refuse: true},
			{Status: 200, Body: "<html>"}, {Status: 200, Body: `{"success":false,"message":"no"}`},
			{Redirect: "https://evil.example/"},
		} {
			t.Run(fmt.Sprintf("%s/%d %t %t %s", x.tool, f.Status, f.Cut, f.Refuse, f.Body), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					arguments := x.prepare(t, b)
					before := state(b.api)
					f.Times = -1
					b.api.Fail(f)
					r := b.call(t, t.Context(), x.tool, arguments)
					if !r.IsError || len(r.text()) < 40 || !strings.HasSuffix(r.text(), ".") {
						t.Fatalf("got %s, want an error in words", r.raw)
					}
					if want := x.firstPermission(t); f.Status == 403 && want != "" && !slices.Equal(permissionsIn(r.text()), []string{want}) {
						t.Errorf("got %q, want it to name %s", r.text(), want)
					}
					if after := state(b.api); after != before {
						t.Errorf("the account changed:\n%s\n%s", before, after)
					}
					searchForKeys(t, string(r.raw)+b.log.String())
				})
			})
		}
	}
}

// firstPermission returns the permission that the first request of the example
// requires: tools that delete or replace read what they are about to touch.
func (x example) firstPermission(t *testing.T) string {
	switch x.tool {
	case "regenerate_api_key", "revoke_api_key", "replace_api_key":
		return "account.apikeys.view"
	case "delete_role":
		return "account.roles.view"
	case "delete_project":
		return "account.projects.view"
	case "remove_member", "cancel_invitation":
		return "account.members.view"
	case "remove_project_member":
		return "project.members.view"
	case "create_project_invitation":
		return "project.members.invite or account.members.invite"
	}
	return operation(t, x.operation).Permission
}

var permissionPattern = regexp.MustCompile(`(?:account|project)\.[a-z]+\.[a-z]+(?: or (?:account|project)\.[a-z]+\.[a-z]+)?`)

func permissionsIn(text string) []string { return permissionPattern.FindAllString(text, -1) }

// state is everything that a tool could change, as text.
func state(api *faulty.API) string {
	var keys []sandbox.Key
	for _, k := range api.Keys() {
		k.UsedAt = time.Time{}
		keys = append(keys, k)
	}
	text := fmt.Sprintf("%+v %+v %+v %+v", keys, api.Roles(), api.Projects(), api.Members())
	for _, p := range api.Projects() {
		text += fmt.Sprintf(" %+v", api.ProjectMembers(p.ID))
	}
	return text
}

// Nothing is made twice when an answer is lost, and the text says what was made.
func TestLostResponsesOfCreations(t *testing.T) {
	for _, x := range examples() {
		op := operation(t, x.operation)
		if op.Method != "POST" {
			continue
		}
		for i, tt := range []struct {
			fault faulty.Fault
			made  bool
		}{
			{faulty.Fault{Cut: true, After: true}, true},
			{faulty.Fault{Status: 502, After: true}, true},
			{faulty.Fault{Status: 200, After: true, Body: `{"success":true}`}, true},
			{faulty.Fault{DelayAfter: time.Hour}, true},
			{faulty.Fault{Cut: true}, false},
			{faulty.Fault{Status: 500}, false},
		} {
			t.Run(fmt.Sprintf("%s/%d made %t", x.tool, i, tt.made), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					before := state(b.api)
					tt.fault.Method = "POST"
					b.api.Fail(tt.fault)
					r := b.call(t, t.Context(), x.tool, x.arguments)
					if !r.IsError {
						t.Fatalf("got %s, want an error", r.raw)
					}
					posts := 0
					for _, q := range b.api.Requests() {
						if q.Method == "POST" {
							posts++
						}
					}
					if posts != 1 {
						t.Errorf("it was sent %d times", posts)
					}
					if changed := state(b.api) != before; changed != tt.made {
						t.Fatalf("changed: %t, want %t", changed, tt.made)
					}
					safe := strings.Contains(r.text(), "safe to call")
					if tt.made == safe {
						t.Errorf("made: %t, got %q", tt.made, r.text())
					}
					if tt.made && x.tool != "regenerate_api_key" && !strings.Contains(r.text(), "Do not call") {
						t.Errorf("got %q, want a warning", r.text())
					}
				})
			})
		}
	}
}

// A call that is cancelled changes nothing that is not undone or named in the log.
func TestEveryToolCancelled(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.tool, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				arguments := x.prepare(t, b)
				before := state(b.api)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				r := b.call(t, ctx, x.tool, arguments)
				if !r.IsError || state(b.api) != before {
					t.Errorf("got %s, want an error and an unchanged account", r.raw)
				}
			})
		})
	}
}

// A destructive tool does nothing if the name is another, and does not reveal the name.
func TestConfirmName(t *testing.T) {
	for _, x := range examples() {
		if !strings.Contains(x.arguments, "confirm_name") {
			continue
		}
		t.Run(x.tool, func(t *testing.T) {
			b := newBench(t)
			var good map[string]any
			arguments := x.prepare(t, b)
			if err := json.Unmarshal([]byte(arguments), &good); err != nil {
				t.Fatal(err)
			}
			before := state(b.api)
			name := good["confirm_name"].(string)
			for _, given := range []string{"x", strings.ToUpper(name) + " ", name + " "} {
				r := b.call(t, t.Context(), x.tool, with(t, good, "confirm_name", given))
				if !r.IsError || strings.Contains(strings.ToLower(r.text()), strings.ToLower(name)) || !strings.Contains(r.text(), "does not match") || !strings.Contains(r.text(), "Nothing was changed") {
					t.Errorf("%q: got %s, want an error without the name", given, r.raw)
				}
			}
			delete(good, "confirm_name")
			if r := b.call(t, t.Context(), x.tool, mustJSON(t, good)); !r.IsError || !strings.Contains(r.text(), "missing property 'confirm_name'") {
				t.Errorf("got %s", r.raw)
			}
			if after := state(b.api); after != before {
				t.Error("the account changed")
			}
		})
	}
}

// The effect of a tool is what its hints say, and what needs confirm_name.
func TestEffects(t *testing.T) {
	for _, tool := range tools.All() {
		a := tool.Definition().Annotations
		for effect, want := range map[string][3]bool{ // read-only, destructive, idempotent
			"reads": {true, false, true}, "creates": {false, false, false}, "updates": {false, false, true},
			"replaces": {false, true, false}, "deletes": {false, true, true},
		} {
			if got := [3]bool{*a.ReadOnlyHint, *a.DestructiveHint, *a.IdempotentHint}; tool.Effect == effect && got != want {
				t.Errorf("%s %s: got %v, want %v", tool.Name, effect, got, want)
			}
		}
		confirms := strings.Contains(string(tool.Definition().RawInputSchema), "confirm_name")
		if destroys := *a.DestructiveHint; confirms != destroys {
			t.Errorf("%s: destroys %t, confirms %t", tool.Name, destroys, confirms)
		}
	}
}

func TestReadOnlyAndToolsets(t *testing.T) {
	for _, tt := range []struct {
		readOnly bool
		toolsets []string
		has, not string
	}{
		{false, nil, "delete_project", ""},
		{true, nil, "list_members", "create_api_key"},
		{false, []string{"roles"}, "create_role", "list_projects"},
		{true, []string{"api_keys", "projects"}, "audit_api_keys", "list_roles"},
	} {
		b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.ReadOnly, c.Toolsets = tt.readOnly, tt.toolsets })
		list := string(b.request(t, t.Context(), "tools/list", map[string]any{}))
		if !strings.Contains(list, `"name":"`+tt.has+`"`) || tt.not != "" && strings.Contains(list, `"name":"`+tt.not+`"`) {
			t.Errorf("read-only %t, toolsets %v: got %s", tt.readOnly, tt.toolsets, list)
		}
	}
}

// A change whose every answer was lost may have been created, and is not denied.
func TestLostChangeIsNotDenied(t *testing.T) {
	effects := map[string]string{}
	for _, tool := range tools.All() {
		effects[tool.Name] = tool.Effect
	}
	for _, x := range examples() {
		if e := effects[x.tool]; e != "updates" && e != "deletes" {
			continue
		}
		for _, fault := range []faulty.Fault{{Cut: true, After: true}, {Status: 502, After: true}, {DelayAfter: time.Minute}} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				arguments := x.prepare(t, b)
				for _, method := range []string{"PATCH", "DELETE", "PUT"} {
					fault.Method, fault.Times = method, -1
					b.api.Fail(fault)
				}
				r := b.call(t, t.Context(), x.tool, arguments)
				if !r.IsError || !strings.Contains(r.text(), "It is unknown whether") || strings.Contains(r.text(), "Nothing was") {
					t.Errorf("%s: got %q, want it to say that it is unknown", x.tool, r.text())
				}
			})
		}
	}
}
