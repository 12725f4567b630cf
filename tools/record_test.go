package tools_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// recorded returns the log lines about the end of a change, without time, level and
// message. It fails the test if the log contains another line at level INFO, except one
// that announces a creation.
func (b *bench) recorded(t *testing.T) (lines []string) {
	t.Helper()
	announcements := regexp.MustCompile(`msg="(creating|adding|regenerating) `)
	for line := range strings.Lines(b.log.String()) {
		if !strings.Contains(line, " level=INFO ") || announcements.MatchString(line) {
			continue
		}
		_, change, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " level=INFO msg=change ")
		if !ok {
			t.Errorf("unexpected line %q", line)
		}
		lines = append(lines, change)
	}
	return lines
}

// A call of a tool that changes something is one line at level INFO, beside the announcement
// of what is created. A call of a tool that reads is none.
func TestEveryChangeIsRecorded(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.tool, func(t *testing.T) {
			b := newBench(t)
			arguments := x.prepare(t, b)
			b.log.Reset()
			b.call(t, t.Context(), x.tool, arguments)
			lines := b.recorded(t)
			if reads(x.tool) {
				if len(lines) > 0 || strings.Contains(b.log.String(), "level=INFO") {
					t.Errorf("got log %s", b.log)
				}
				return
			}
			want := regexp.MustCompile(`^tool=` + x.tool + ` outcome=done resource=\w+ id=[0-9a-f-]{36} `)
			if len(lines) != 1 || !want.MatchString(lines[0]) {
				t.Errorf("got %q, want one line that matches %v", lines, want)
			}
		})
	}
}

func reads(name string) bool {
	for _, tool := range tools.All() {
		if tool.Name == name {
			return tool.Effect == "reads"
		}
	}
	return false
}

// The line about a change names the resource, what changed and the outcome, and contains
// no value but names and IDs of resources.
func TestRecords(t *testing.T) {
	key, project, production := sandbox.KeyID("grafana"), sandbox.ProjectID("playground"), sandbox.ProjectID("production")
	chen, member := sandbox.MemberID("", "chen@meridian.example"), sandbox.RoleID("member")
	lost := func(method string) faulty.Fault {
		return faulty.Fault{Method: method, Status: 504, After: true, Times: -1}
	}
	refused := func(method string, status int) faulty.Fault {
		return faulty.Fault{Method: method, Status: status, Times: -1, Header: http.Header{"Retry-After": {"3600"}}}
	}
	for _, tt := range []struct {
		name, tool, arguments string
		fault                 faulty.Fault
		want                  string
	}{
		{"created", "create_api_key", args("name", "ci", "rate_limit_tier", "standard"), faulty.Fault{},
			`outcome=done resource=api_key id=NEW name=ci secret=inline`},
		{"successor", "replace_api_key", args("api_key_id", sandbox.KeyID("terraform"), "name", "next"), faulty.Fault{},
			`outcome=done resource=api_key id=NEW replaces=` + sandbox.KeyID("terraform") + ` name=next secret=inline`},
		{"regenerated", "regenerate_api_key", args("api_key_id", key, "confirm_name", "Grafana"), faulty.Fault{},
			`outcome=done resource=api_key id=` + key + ` name=Grafana secret=inline`},
		{"changed", "update_api_key", `{"api_key_id":"` + key + `","name":"G 2","is_active":false}`, faulty.Fault{},
			`outcome=done resource=api_key id=` + key + ` name="G 2" changed=name,is_active`},
		{"not changed", "update_api_key", args("api_key_id", key, "name", "Grafana"), faulty.Fault{},
			`outcome=done resource=api_key id=` + key + ` name=Grafana changed=nothing`},
		{"not confirmed", "update_role", args("role_id", sandbox.RoleID("deployer"), "name", "New", "description", "a value"), faulty.Fault{Method: "PATCH", Set: map[string]any{"name": "Old"}, Omit: []string{"description"}},
			`outcome=done resource=role id=` + sandbox.RoleID("deployer") + ` name=Old changed=nothing unconfirmed=description not_applied=name`},
		{"may not read", "update_role", args("role_id", sandbox.RoleID("deployer"), "description", "a value"), faulty.Fault{Method: "GET", Status: 403, Times: -1},
			`outcome=done resource=role id=` + sandbox.RoleID("deployer") + ` name=Deployer requested=description`},
		{"new role", "update_member", args("member_id", chen, "role_id", sandbox.RoleID("admin")), faulty.Fault{},
			`outcome=done resource=member id=` + chen + ` name=chen@meridian.example role=Admin changed=role_id`},
		{"added", "add_project_member", args("project_id", project, "api_key_id", key, "role_id", sandbox.RoleID("viewer")), faulty.Fault{},
			`outcome=done resource=project_member id=NEW project_id=` + project + ` role=Viewer`},
		{"invited", "create_project_invitation", args("project_id", production, "email", "new@meridian.example", "role_id", sandbox.RoleID("viewer")), faulty.Fault{},
			`outcome=done resource=project_invitation id=NEW name=new@meridian.example project_id=` + production + ` role=Viewer`},
		{"deleted", "delete_project", args("project_id", project, "confirm_name", "Playground"), faulty.Fault{},
			`outcome=done resource=project id=` + project + ` name=Playground`},

		{"wrong arguments", "create_api_key", `{"name":"ci","secret":"a value"}`, faulty.Fault{},
			`outcome=refused resource=api_key`},
		{"wrong arguments with an ID", "update_role", args("role_id", member, "nmae", "a value"), faulty.Fault{},
			`outcome=refused resource=role id=` + member},
		{"not even JSON", "create_role", `"a value"`, faulty.Fault{},
			`outcome=refused resource=role`},
		{"another name", "revoke_api_key", args("api_key_id", key, "confirm_name", "a value"), faulty.Fault{},
			`outcome=refused resource=api_key id=` + key + ` name=Grafana`},
		{"needs an expiry", "replace_api_key", args("api_key_id", sandbox.KeyID("ci")), faulty.Fault{Method: "GET", Omit: []string{"created_at"}},
			`outcome=refused resource=api_key replaces=` + sandbox.KeyID("ci")},
		{"unknown ID", "revoke_api_key", args("api_key_id", nobody, "confirm_name", "a value"), faulty.Fault{},
			`outcome=refused resource=api_key id=` + nobody},
		{"refused by Raff", "update_api_key", args("api_key_id", key, "name", "a value"), refused("PATCH", 403),
			`outcome=refused resource=api_key id=` + key + ` requested=name`},
		{"refused deletion", "revoke_api_key", args("api_key_id", key, "confirm_name", "Grafana"), refused("DELETE", 409),
			`outcome=refused resource=api_key id=` + key + ` name=Grafana`},

		{"rate limited", "create_role", `{"name":"Auditor","slug":"auditor","scope":"account","permissions":["account.audit.view"]}`, refused("POST", 429),
			`outcome=failed resource=role name=Auditor`},
		{"not reached", "create_project", args("name", "New"), faulty.Fault{Method: "POST", Refuse: true, Times: -1},
			`outcome=failed resource=project name=New`},
		{"lost without effect", "create_project", args("name", "New"), faulty.Fault{Method: "POST", Status: 504, Times: -1},
			`outcome=failed resource=project name=New`},

		{"lost", "create_api_key", args("name", "ci"), lost("POST"),
			`outcome=unknown resource=api_key name=ci`},
		{"lost change", "update_api_key", args("api_key_id", key, "name", "a value"), lost("PATCH"),
			`outcome=unknown resource=api_key id=` + key + ` requested=name`},
		{"lost deletion", "delete_project", args("project_id", project, "confirm_name", "Playground"), faulty.Fault{Method: "DELETE", Status: 504, Times: -1},
			`outcome=unknown resource=project id=` + project + ` name=Playground`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				if tt.fault.Method != "" {
					b.api.Fail(tt.fault)
				}
				b.call(t, t.Context(), tt.tool, tt.arguments)
				lines := b.recorded(t)
				want := "tool=" + tt.tool + " " + tt.want
				if len(lines) == 1 && strings.Contains(want, "id=NEW") {
					lines[0] = regexp.MustCompile(` id=[0-9a-f-]{36}`).ReplaceAllString(lines[0], " id=NEW")
				}
				if len(lines) != 1 || lines[0] != want {
					t.Errorf("got %q\nwant %q", lines, want)
				}
				if strings.Contains(strings.Join(lines, ""), "a value") {
					t.Errorf("the line contains the value of an argument: %s", lines)
				}
			})
		})
	}
}

// A form is not the end of a change. Only the user's response is.
func TestDeclinedIsRecorded(t *testing.T) {
	b := newBench(t)
	key := sandbox.KeyID("grafana")
	arguments := args("api_key_id", key, "confirm_name", "Grafana")
	form := b.stateless(t, "revoke_api_key", arguments, canShowForms)
	if lines := b.recorded(t); len(lines) != 0 {
		t.Errorf("got %q before there is a response", lines)
	}
	b.stateless(t, "revoke_api_key", arguments, canShowForms, form.answer("decline", ""))
	if lines, want := b.recorded(t), "tool=revoke_api_key outcome=declined resource=api_key id="+key+" name=Grafana"; len(lines) != 1 || lines[0] != want {
		t.Errorf("got %q, want %q", lines, want)
	}
}

// A panic is a change whose outcome is unknown.
func TestPanicIsRecorded(t *testing.T) {
	b := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
		c.Transport = roundTripper(func(*http.Request) (*http.Response, error) { panic("a value") })
	})
	key := sandbox.KeyID("grafana")
	b.call(t, t.Context(), "update_api_key", args("api_key_id", key, "name", "x"))
	if lines, want := b.recorded(t), "tool=update_api_key outcome=unknown resource=api_key id="+key+" requested=name"; len(lines) != 1 || lines[0] != want {
		t.Errorf("got %q, want %q", lines, want)
	}
}

// Names are data in a record, whether they come from Raff's response or from the arguments.
func TestRecordsAreOneLine(t *testing.T) {
	for _, fault := range []faulty.Fault{{Method: "NONE"}, {Method: "POST", Status: 403}} {
		b := newBench(t)
		b.api.Fail(fault)
		own := b.api.OwnerKey().Reveal()
		b.call(t, t.Context(), "create_api_key", args("name", "a\nb level=ERROR "+own))
		if lines := b.recorded(t); len(lines) != 1 || !strings.Contains(lines[0], ` name="a b level=ERROR `) || strings.Contains(b.log.String(), own) {
			t.Errorf("got log %s", b.log)
		}
	}
}
