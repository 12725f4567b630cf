package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

const canShowForms = `{"elicitation":{"form":{}}}`

// asking is what a stateless client gets: a result or a form.
type asking struct {
	IsError       bool
	ResultType    string
	RequestState  string
	InputRequests map[string]struct {
		Params struct{ Message string }
	}
	Content []struct{ Text string }
}

func (a asking) text() string {
	if len(a.Content) == 0 {
		return ""
	}
	return a.Content[0].Text
}

// stateless calls a tool as a client of the stateless revision with these
// capabilities does; further members of params may follow.
func (b *bench) stateless(t *testing.T, tool, arguments, capabilities string, members ...string) (a asking) {
	t.Helper()
	message := mcptest.Call("1", tool, arguments, append(members, mcptest.Stateless("t", capabilities))...)
	var out strings.Builder
	if err := stdio.Serve(t.Context(), b.server, strings.NewReader(message), &out, stdio.Config{}); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out.String()), &struct{ Result any }{&a}); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return a
}

// answer is the members of params of a call that answers the form a with content.
func (a asking) answer(action, content string) string {
	return fmt.Sprintf(`"inputResponses":{"confirm":{"action":%q%s}},"requestState":%q`, action, content, a.RequestState)
}

func changes(b *bench) (n int) {
	for _, r := range b.api.Requests() {
		if r.Method != "GET" {
			n++
		}
	}
	return n
}

// Every tool that deletes or replaces asks the user first, and nothing but a yes in
// the form is consent.
func TestEveryDestructiveToolAsks(t *testing.T) {
	for _, tool := range tools.All() {
		if tool.Effect != "deletes" && tool.Effect != "replaces" {
			continue
		}
		t.Run(tool.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := examples()
				x := all[slices.IndexFunc(all, func(x example) bool { return x.tool == tool.Name })]
				b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.Confirm = tools.ConfirmAlways })
				arguments := x.prepare(t, b)
				before, sent := state(b.api), changes(b)
				untouched := func(what string) {
					t.Helper()
					if state(b.api) != before || changes(b) != sent {
						t.Fatalf("%s: the account was changed", what)
					}
				}

				if r := b.stateless(t, x.tool, arguments, "{}"); !r.IsError || !strings.Contains(r.text(), "--confirm=always") {
					t.Errorf("a client that cannot ask got %+v", r)
				}
				untouched("a client that cannot ask")
				for _, content := range []string{
					``, `,"content":null`, `,"content":{}`, `,"content":[]`, `,"content":[false]`, `,"content":[true]`, `,"content":"no"`, `,"content":"yes"`,
					`,"content":false`, `,"content":true`, `,"content":1`, `,"content":{"confirm":false}`, `,"content":{"confirm":"true"}`, `,"content":{"confirm":1}`,
					`,"content":{"confirm":null}`, `,"content":{"confirm":[true]}`, `,"content":{"confirm":{"confirm":true}}`, `,"content":{"Confirm":true}`, `,"content":{"other":true}`, `,"content":{"confirm":true,"decline":true}`,
				} {
					form := b.stateless(t, x.tool, arguments, canShowForms)
					if form.ResultType != "input_required" || len(form.InputRequests) != 1 {
						t.Fatalf("got %+v, want a form", form)
					}
					if m := form.InputRequests["confirm"].Params.Message; !strings.Contains(m, "? ") || !strings.HasSuffix(m, ".") {
						t.Errorf("the form does not ask: %q", m)
					}
					r := b.stateless(t, x.tool, arguments, canShowForms, form.answer("accept", content))
					if !r.IsError || !strings.Contains(r.text(), "Nothing was changed") {
						t.Errorf("accepted with %q: got %+v", content, r)
					}
					untouched("accepted with " + content)
				}
				// Clients without a user answer on their own.
				for action, want := range map[string]string{"decline": "was declined", "cancel": "was closed without an answer", "unheard of": "was closed without an answer"} {
					form := b.stateless(t, x.tool, arguments, canShowForms)
					r := b.stateless(t, x.tool, arguments, canShowForms, form.answer(action, `,"content":{"confirm":true}`))
					for _, want := range []string{want, "either by the user or by a client that runs without one", "Do not try again", "--confirm=never"} {
						if !r.IsError || !strings.Contains(r.text(), want) {
							t.Errorf("%s: got %q, want it to say %q", action, r.text(), want)
						}
					}
					untouched(action)
				}
				form := b.stateless(t, x.tool, arguments, canShowForms)
				if r := b.stateless(t, x.tool, arguments, canShowForms, form.answer("accept", `,"content":{"confirm":true}`)); r.IsError || state(b.api) == before {
					t.Errorf("a yes does nothing: %+v", r)
				}
			})
		})
	}
}

// An invitation is confirmed by its e-mail address wherever that can be found, and can
// be cancelled where it cannot.
func TestCancelInvitation(t *testing.T) {
	eva, hugo := sandbox.InvitationID("eva@contractor.example"), sandbox.InvitationID("hugo@contractor.example")
	staging := sandbox.ProjectID("staging")
	noMembers := faulty.Fault{Method: "GET", Path: "/api/v1/members*", Status: 403, Times: -1}
	for _, tt := range []struct {
		name, arguments string
		fault           faulty.Fault
		want            string
		cancelled       bool
	}{
		{"account", args("invitation_id", eva, "confirm_name", "eva@contractor.example"), faulty.Fault{}, `"eva@contractor.example"`, true},
		{"account, upper case", args("invitation_id", strings.ToUpper(eva), "confirm_name", "eva@contractor.example"), faulty.Fault{}, `"eva@contractor.example"`, true},
		{"account, other address", args("invitation_id", eva, "confirm_name", "hugo@contractor.example"), faulty.Fault{}, "does not match", false},
		{"account, by ID", args("invitation_id", eva, "confirm_name", eva), faulty.Fault{}, "does not match", false},
		{"project, not named", args("invitation_id", hugo, "confirm_name", "hugo@contractor.example"), faulty.Fault{}, "call again with project_id", false},
		{"project", args("invitation_id", hugo, "confirm_name", "hugo@contractor.example", "project_id", staging), faulty.Fault{}, `"hugo@contractor.example"`, true},
		{"project, other address", args("invitation_id", hugo, "confirm_name", "eva@contractor.example", "project_id", staging), faulty.Fault{}, "does not match", false},
		{"project, by ID", args("invitation_id", hugo, "confirm_name", hugo), faulty.Fault{}, "Cancelled", true},
		{"other project", args("invitation_id", hugo, "confirm_name", "hugo@contractor.example", "project_id", sandbox.ProjectID("production")), faulty.Fault{}, "cannot be checked", false},
		{"may not list", args("invitation_id", eva, "confirm_name", "eva@contractor.example"), noMembers, "account.members.view", false},
		{"may not list, by ID", args("invitation_id", eva, "confirm_name", eva), noMembers, "Cancelled", true},
		{"unknown", args("invitation_id", nobody, "confirm_name", nobody), faulty.Fault{}, "did not find", false},
		{"list fails", args("invitation_id", eva, "confirm_name", eva), faulty.Fault{Method: "GET", Status: 503, Times: -1}, "Raff's API failed", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				before := state(b.api)
				if tt.fault.Method != "" {
					b.api.Fail(tt.fault)
				}
				r := b.call(t, t.Context(), "cancel_invitation", tt.arguments)
				if !strings.Contains(r.text(), tt.want) || r.IsError == tt.cancelled {
					t.Errorf("got %s, want it to say %q", r.raw, tt.want)
				}
				if changed := state(b.api) != before; changed != tt.cancelled {
					t.Errorf("cancelled: %t, want %t", changed, tt.cancelled)
				}
			})
		})
	}
}

// Gemini CLI adds wait_for_previous to the arguments of any tool. It is dropped,
// whatever it is, and nothing else is.
func TestWaitForPreviousIsIgnored(t *testing.T) {
	for _, x := range examples() {
		b := newBench(t)
		arguments := x.prepare(t, b)
		before := len(b.api.Requests())
		more := strings.TrimSuffix(arguments, "}")
		if more != "{" {
			more += ","
		}
		if r := b.call(t, t.Context(), x.tool, more+`"wait_for_previous":true}`); r.IsError || !strings.Contains(r.text(), x.said) {
			t.Errorf("%s: got %s", x.tool, r.raw)
		}
		for _, q := range b.api.Requests()[before:] {
			if strings.Contains(string(q.Body)+q.Query.Encode(), "wait_for_previous") {
				t.Errorf("%s: it was sent on: %s", x.tool, q.Body)
			}
		}
	}
	for _, tool := range tools.All() {
		if strings.Contains(string(tool.Definition().RawInputSchema), "wait_for_previous") {
			t.Errorf("%s: it is in the schema", tool.Name)
		}
	}
}
