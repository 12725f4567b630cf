package tools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// activityBench is a bench with an activity log.
type activityBench struct {
	*bench
	path string
	log  *activity.Log
}

// newActivityBench opens the log in the test's bubble, if it has one.
func newActivityBench(t *testing.T, path string, change ...func(*raffclient.Config, *tools.Config)) *activityBench {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "activity.jsonl")
	}
	b := &activityBench{path: path}
	b.bench = newBench(t, append(change, func(_ *raffclient.Config, c *tools.Config) {
		var err error
		if b.log, err = activity.Open(activity.Config{Path: path, Logger: c.Logger}); err != nil {
			t.Fatal(err)
		}
		c.Activity = b.log
	})...)
	t.Cleanup(func() { b.log.Close(time.Minute) })
	return b
}

// records returns the records of the log, after what runs in the background has ended.
func (b *activityBench) records(t *testing.T) (list []activity.Record) {
	t.Helper()
	b.log.Close(time.Minute)
	broken, err := activity.Read(b.path, func(l activity.Line) bool {
		list = append(list, l.Record)
		return true
	})
	if err != nil || broken > 0 {
		t.Fatalf("%v, %d broken lines", err, broken)
	}
	return list
}

// outcomes returns the records without those of what was begun, and checks that every call
// has the same ID in all its records.
func (b *activityBench) outcomes(t *testing.T) (ends []activity.Record) {
	t.Helper()
	for _, r := range b.records(t) {
		if r.Outcome != activity.Begun {
			ends = append(ends, r)
		}
	}
	return ends
}

// shown returns the fields of a record that the tests compare, in one line.
func shown(r activity.Record) string {
	text := fmt.Sprintf("%s %s %s", r.Tool, r.Outcome, r.Resource)
	for _, field := range [][2]string{{"id", r.ID}, {"name", r.Name}, {"prefix", r.Prefix}, {"project", r.ProjectID}, {"replaces", r.Replaces}, {"answer", string(r.Answer)}, {"delivery", r.Delivery}} {
		if field[1] != "" {
			text += " " + field[0] + "=" + field[1]
		}
	}
	for _, c := range r.Changes {
		text += fmt.Sprintf(" %s:%v→%v", c.Field, c.From, c.To)
	}
	return text
}

// A call of a tool that changes something is one line with its outcome in the activity log,
// and if it creates something a line before. A call of a tool that reads is none.
func TestEveryChangeIsInTheActivityLog(t *testing.T) {
	for _, x := range examples() {
		t.Run(x.tool, func(t *testing.T) {
			b := newActivityBench(t, "", func(_ *raffclient.Config, c *tools.Config) { c.API = "https://api.example" })
			arguments := x.prepare(t, b.bench)
			before := len(recordsSoFar(t, b.path))
			b.call(t, t.Context(), x.tool, arguments)
			list := b.records(t)[before:]
			if reads(x.tool) {
				if len(list) > 0 {
					t.Errorf("got %+v", list)
				}
				return
			}
			want := 1
			if operation(t, x.operation).Method == "POST" {
				want = 2
			}
			if len(list) != want || want == 2 && (list[0].Outcome != activity.Begun || list[0].Call != list[1].Call || list[0].DurationMS != nil) {
				t.Fatalf("got %+v, want %d records of one call", list, want)
			}
			r := list[want-1]
			at, ok := r.When()
			if r.Outcome != activity.Done || r.Tool != x.tool || r.ID == "" || r.Resource == "" || !ok || time.Since(at).Abs() > time.Hour ||
				!regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(r.Time) ||
				r.DurationMS == nil || r.OwnKeyPrefix != b.api.OwnerKey().Reveal()[:len("raff_")+8] || r.API != "https://api.example" || r.Process != os.Getpid() || r.Sandbox {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func recordsSoFar(t *testing.T, path string) (list []activity.Record) {
	t.Helper()
	if _, err := activity.Read(path, func(l activity.Line) bool { list = append(list, l.Record); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

// The line names the resource, what changed or was to change, and the outcome.
func TestActivityRecords(t *testing.T) {
	key, project := sandbox.KeyID("grafana"), sandbox.ProjectID("playground")
	lost := func(method string) faulty.Fault {
		return faulty.Fault{Method: method, Status: 504, After: true, Times: -1}
	}
	role := sandbox.RoleID("viewer")
	for _, tt := range []struct {
		name, tool, arguments string
		fault                 faulty.Fault
		want                  string
	}{
		{"created", "create_api_key", args("name", "ci", "rate_limit_tier", "standard"), faulty.Fault{},
			`create_api_key done api_key id=NEW name=ci prefix=PREFIX delivery=inline rate_limit_tier:<nil>→standard`},
		{"successor", "replace_api_key", args("api_key_id", sandbox.KeyID("terraform"), "name", "next"), faulty.Fault{},
			`replace_api_key done api_key id=NEW name=next prefix=PREFIX replaces=` + sandbox.KeyID("terraform") + ` delivery=inline`},
		{"regenerated", "regenerate_api_key", args("api_key_id", key, "confirm_name", "Grafana"), faulty.Fault{},
			`regenerate_api_key done api_key id=NEW name=Grafana prefix=PREFIX delivery=inline`},
		{"changed", "update_api_key", `{"api_key_id":"` + key + `","name":"G 2","is_active":false}`, faulty.Fault{},
			`update_api_key done api_key id=NEW name=G 2 prefix=PREFIX name:Grafana→G 2 is_active:true→false`},
		{"not changed", "update_api_key", args("api_key_id", key, "name", "Grafana"), faulty.Fault{},
			`update_api_key done api_key id=NEW name=Grafana prefix=PREFIX`},
		{"may not read", "update_role", args("role_id", sandbox.RoleID("deployer"), "description", "text"), faulty.Fault{Method: "GET", Status: 403, Times: -1},
			`update_role done role id=NEW name=Deployer description:<nil>→text`},
		{"added", "add_project_member", args("project_id", project, "api_key_id", key, "role_id", role), faulty.Fault{},
			`add_project_member done project_member id=NEW project=` + project + ` api_key_id:<nil>→` + key + ` role_id:<nil>→` + role},
		{"new role", "create_role", `{"name":"Auditor","slug":"auditor","scope":"account","permissions":["account.audit.view"]}`, faulty.Fault{},
			`create_role done role id=NEW name=Auditor permissions:<nil>→[account.audit.view] scope:<nil>→account slug:<nil>→auditor`},
		{"deleted", "revoke_api_key", args("api_key_id", key, "confirm_name", "Grafana"), faulty.Fault{},
			`revoke_api_key done api_key id=NEW name=Grafana prefix=PREFIX`},

		{"wrong arguments", "create_api_key", `{"name":"ci","secret":"x"}`, faulty.Fault{},
			`create_api_key refused api_key`},
		{"another name", "revoke_api_key", args("api_key_id", key, "confirm_name", "x"), faulty.Fault{},
			`revoke_api_key refused api_key id=NEW name=Grafana prefix=PREFIX`},
		{"refused by Raff", "update_api_key", args("api_key_id", key, "name", "x"), faulty.Fault{Method: "PATCH", Status: 403, Times: -1},
			`update_api_key refused api_key id=NEW name:<nil>→x`},
		{"failed", "create_project", args("name", "New"), faulty.Fault{Method: "POST", Refuse: true, Times: -1},
			`create_project failed project name=New`},
		{"lost", "create_api_key", args("name", "ci"), lost("POST"),
			`create_api_key unknown api_key id=NEW name=ci prefix=PREFIX`},
		{"lost change", "update_api_key", args("api_key_id", key, "name", "x"), lost("PATCH"),
			`update_api_key unknown api_key id=NEW name:<nil>→x`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newActivityBench(t, "")
				if tt.fault.Method != "" {
					b.api.Fail(tt.fault)
				}
				b.call(t, t.Context(), tt.tool, tt.arguments)
				list := b.outcomes(t)
				if len(list) != 1 {
					t.Fatalf("got %+v", list)
				}
				got := regexp.MustCompile(` id=[0-9a-f-]{36}`).ReplaceAllString(shown(list[0]), " id=NEW")
				got = regexp.MustCompile(` prefix=raff_[0-9a-f]{8} ?\b`).ReplaceAllStringFunc(got, func(s string) string {
					return " prefix=PREFIX" + s[len(" prefix=raff_01234567"):]
				})
				if got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
			})
		})
	}
}

// The log says whether a person was asked, what they answered, and with which client.
func TestActivityAnswers(t *testing.T) {
	key := sandbox.KeyID("grafana")
	arguments := args("api_key_id", key, "confirm_name", "Grafana")
	for _, tt := range []struct {
		action, content string
		outcome         activity.Outcome
		answer          activity.Answer
	}{
		{"accept", `,"content":{"confirm":true}`, activity.Done, activity.Accepted},
		{"accept", `,"content":{"confirm":false}`, activity.Refused, activity.NoYes},
		{"decline", "", activity.Refused, activity.Declined},
		{"cancel", "", activity.Refused, activity.Cancelled},
	} {
		b := newActivityBench(t, "")
		form := b.stateless(t, "revoke_api_key", arguments, canShowForms)
		b.stateless(t, "revoke_api_key", arguments, canShowForms, form.answer(tt.action, tt.content))
		list := b.records(t)
		if len(list) != 1 || list[0].Outcome != tt.outcome || list[0].Answer != tt.answer || list[0].Client != (activity.Client{Name: "t", Version: "1"}) {
			t.Errorf("%s %s: got %+v", tt.action, tt.content, list)
		}
	}
	b := newActivityBench(t, "") // a client that is asked during its call
	c := dial(t, b.bench)
	c.Ask(mcptest.Initialize("0", "2025-06-18", "Cursor", `{"elicitation":{}}`))
	c.Send(mcptest.Call("1", "revoke_api_key", arguments))
	form := c.Receive()
	c.Send(mcptest.Answer(string(form.ID), `"result":{"action":"decline"}`))
	c.End()
	if list := b.records(t); len(list) != 1 || list[0].Answer != activity.Declined || list[0].Outcome != activity.Refused || list[0].Client.Name != "Cursor" {
		t.Errorf("got %+v", list)
	}
	b = newActivityBench(t, "")
	c = dial(t, b.bench)
	c.Ask(mcptest.Initialize("0", "2025-06-18", "Claude \\u001b[2J\\u202eCode raff_0123456789abcdef0123456789abcdef", "{}"))
	c.Ask(mcptest.Call("1", "revoke_api_key", arguments))
	c.End()
	if list := b.records(t); len(list) != 1 || list[0].Answer != "" || !strings.HasPrefix(list[0].Client.Name, "Claude ") || strings.ContainsAny(list[0].Client.Name, "\x1b\u202e") || strings.Contains(list[0].Client.Name, "0123456789abcdef0") {
		t.Errorf("got %+v", list)
	}
}

// A key that was created and revoked again is recorded as reverted, and one that could not
// be revoked as unknown. The last line of a call is its outcome.
func TestActivityOfUndeliveredKeys(t *testing.T) {
	for _, tt := range []struct {
		name string
		deny bool
		want activity.Outcome
	}{{"revoked", false, activity.Reverted}, {"not revoked", true, activity.Unknown}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newActivityBench(t, "")
				b.api.Fail(faulty.Fault{Method: "POST", DelayAfter: time.Second})
				if tt.deny {
					b.api.Fail(faulty.Fault{Method: "DELETE", Status: 403, Times: -1})
				}
				c := dial(t, b.bench)
				c.Send(creation(1))
				time.Sleep(500 * time.Millisecond)
				c.Send(mcptest.Cancel("1"))
				c.End()
				list := b.outcomes(t)
				if made := b.made()[0]; len(list) != 1 || list[0].Outcome != tt.want || list[0].ID != made.ID || list[0].Prefix != made.Prefix || list[0].Name != "ci" || list[0].Note == "" {
					t.Errorf("got %+v", list)
				}
			})
		})
	}
	t.Run("delivery fails", func(t *testing.T) {
		b := newActivityBench(t, "", func(_ *raffclient.Config, c *tools.Config) {
			var err error
			c.Secrets, err = delivery.New(t.Context(), delivery.Config{Delivery: "command", Command: os.Args[0] + " -test.run=NoSuchFlag -no-such-flag", Logger: c.Logger})
			if err != nil {
				t.Skip(err)
			}
		})
		r := b.call(t, t.Context(), "create_api_key", args("name", "ci"))
		list := b.outcomes(t)
		if made := b.made(); !r.IsError || len(list) != 1 || list[0].Outcome != activity.Reverted || len(made) != 1 || !made[0].Revoked || list[0].Prefix != made[0].Prefix {
			t.Errorf("got %s, %+v", r.raw, list)
		}
	})
}

// A call that was cancelled before anything was sent is no creation that may have happened.
func TestActivityOfCancelledCalls(t *testing.T) {
	for _, x := range examples() {
		if reads(x.tool) {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			b := newActivityBench(t, "")
			arguments := x.prepare(t, b.bench)
			before := len(recordsSoFar(t, b.path))
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			b.call(t, ctx, x.tool, arguments)
			var ends []activity.Outcome
			for _, r := range b.records(t)[before:] {
				if r.Outcome != activity.Begun {
					ends = append(ends, r.Outcome)
				}
			}
			if !reflect.DeepEqual(ends, []activity.Outcome{activity.Failed}) {
				t.Errorf("%s: got %v", x.tool, ends)
			}
		})
	}
}

// A panic is recorded, once, as a change whose outcome is unknown.
func TestPanicIsInTheActivityLog(t *testing.T) {
	b := newActivityBench(t, "", func(c *raffclient.Config, _ *tools.Config) {
		c.Transport = roundTripper(func(*http.Request) (*http.Response, error) { panic("a value") })
	})
	b.call(t, t.Context(), "update_api_key", args("api_key_id", sandbox.KeyID("grafana"), "name", "x"))
	if list := b.records(t); len(list) != 1 || list[0].Outcome != activity.Unknown {
		t.Errorf("got %+v", list)
	}
}

// No secret is in the log, wherever one is planted: not the server's own key, not a new
// one, and not one in an argument, an ID or the name of a client.
func TestActivityContainsNoSecret(t *testing.T) {
	const planted = "raff_0123456789abcdef0123456789abcdef0123456789abcdef"
	var text strings.Builder
	for _, x := range examples() {
		b := newActivityBench(t, "")
		own := b.api.OwnerKey().Reveal()
		arguments := x.prepare(t, b.bench)
		r := b.call(t, t.Context(), x.tool, arguments)
		for _, value := range []string{planted, own, "x" + own + "\n" + planted} {
			var good map[string]any
			if err := json.Unmarshal([]byte(arguments), &good); err != nil {
				t.Fatal(err)
			}
			for name := range good {
				b.call(t, t.Context(), x.tool, with(t, good, name, value))
			}
			for _, name := range []string{"name", "description", "email", value} {
				b.call(t, t.Context(), x.tool, with(t, good, name, value))
			}
		}
		b.log.Close(time.Minute)
		log, err := os.ReadFile(b.path)
		if err != nil {
			t.Fatal(err)
		}
		secrets := []string{planted, own}
		secrets = append(secrets, regexp.MustCompile(`raff_[0-9a-f]{20,}`).FindAllString(string(r.raw), -1)...)
		for _, secret := range secrets {
			if strings.Contains(string(log), secret[len("raff_")+8:]) {
				t.Fatalf("%s: the log contains a secret: %s", x.tool, log)
			}
		}
		text.Write(log)
	}
	if !strings.Contains(text.String(), "create_api_key") {
		t.Error("the log is empty")
	}
}

// A log that cannot be written fails no call.
func TestActivityLogFails(t *testing.T) {
	b := newActivityBench(t, filepath.Join(t.TempDir(), "dir", "log"))
	if err := os.RemoveAll(filepath.Dir(b.path)); err != nil {
		t.Fatal(err)
	}
	r := b.call(t, t.Context(), "create_api_key", args("name", "ci"))
	if r.IsError || strings.Count(b.bench.log.String(), "a line of the activity log could not be written") != 2 {
		t.Errorf("got %s, log %s", r.raw, b.bench.log)
	}
}

// At its first call, a server looks for the keys whose creation an earlier one did not
// finish, and names them once. Those of another key, another API or a sandbox are not its
// business.
func TestUnfinishedCreationsAreLookedUp(t *testing.T) {
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log")
	b := newActivityBench(t, path)
	begun := func(call, name string, change func(*activity.Record)) {
		t.Helper()
		r := activity.Record{Time: activity.Timestamp(time.Now().Add(-3 * time.Minute)), Call: call, Outcome: activity.Begun, Tool: "create_api_key", Resource: "api_key",
			Name: name, OwnKeyPrefix: b.api.OwnerKey().Reveal()[:len("raff_")+8], Process: ended.Process.Pid}
		change(&r)
		appendRecord(t, path, r)
	}
	same := func(*activity.Record) {}
	begun("found", "lost", same)
	begun("other name", "not that", same)
	begun("too early", "not yet", func(r *activity.Record) { r.Time = activity.Timestamp(time.Now()) })
	begun("old key", "Grafana", same)
	begun("regenerated", "Grafana", func(r *activity.Record) {
		r.Tool, r.ID, r.Prefix = "regenerate_api_key", sandbox.KeyID("grafana"), "raff_00000000"
	})
	begun("not regenerated", "Terraform", func(r *activity.Record) {
		r.Tool, r.ID, r.Prefix = "regenerate_api_key", sandbox.KeyID("terraform"), prefixOf(t, b, sandbox.KeyID("terraform"))
	})
	begun("deleted", "Gone", func(r *activity.Record) { r.Tool, r.ID, r.Prefix = "regenerate_api_key", nobody, "raff_00000000" })
	begun("other key", "lost", func(r *activity.Record) { r.OwnKeyPrefix = "raff_ffffffff" })
	begun("other API", "lost", func(r *activity.Record) { r.API = "x" })
	begun("sandbox", "lost", func(r *activity.Record) { r.Sandbox = true })
	theirs := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
		c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
	})
	structured(t, theirs.call(t, t.Context(), "create_api_key", args("name", "lost")))
	key := b.made()[0]

	if n := len(b.api.Requests()); n != 1 {
		t.Errorf("got %d requests before the first call", n)
	}
	b.call(t, t.Context(), "list_projects", "{}")
	got := map[string]string{}
	for _, r := range b.outcomes(t) {
		got[r.Call] += string(r.Outcome) + " " + r.ID
	}
	want := map[string]string{"found": "unknown " + key.ID, "other name": "unknown ", "old key": "unknown ",
		"regenerated": "unknown " + sandbox.KeyID("grafana"), "not regenerated": "failed " + sandbox.KeyID("terraform"), "deleted": "unknown " + nobody}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if log := b.bench.log.String(); !strings.Contains(log, "an earlier server ended during a call, and this key may be its result") || !strings.Contains(log, "prefix="+key.Prefix) {
		t.Errorf("got log %s", log)
	}

	// The next start has nothing to look up but what is too early.
	next := newActivityBench(t, path, func(c *raffclient.Config, _ *tools.Config) {
		c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
	})
	next.call(t, t.Context(), "list_projects", "{}")
	if list := next.outcomes(t); len(list) != len(want) {
		t.Errorf("got %d outcomes, want %d", len(list), len(want))
	}
}

// A key that another call has made, or that somebody uses, is not the result of a call that
// has no outcome, even if it has the same name and was created at the same time.
func TestUnfinishedCreationIsNotMistaken(t *testing.T) {
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]func(*activity.Record, sandbox.Key){
		"lost": nil,
		"made": func(r *activity.Record, k sandbox.Key) { r.Outcome, r.ID = activity.Done, k.ID },
		"runs": func(r *activity.Record, _ sandbox.Key) { r.Process = os.Getppid() },
		"used": nil,
	} {
		t.Run(name, func(t *testing.T) {
			b := newActivityBench(t, "")
			theirs := newBench(t, func(c *raffclient.Config, _ *tools.Config) {
				c.APIKey, c.Transport = b.api.OwnerKey(), b.api.Transport()
			})
			structured(t, theirs.call(t, t.Context(), "create_api_key", args("name", "ci")))
			key := b.made()[0]
			if name == "used" {
				b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/api-keys", Set: map[string]any{"last_used_at": "2027-01-01T00:00:00Z"}, Times: -1})
			}
			r := activity.Record{Time: activity.Timestamp(time.Now().Add(-3 * time.Minute)), Call: "lost", Outcome: activity.Begun, Tool: "create_api_key", Resource: "api_key",
				Name: "ci", OwnKeyPrefix: b.api.OwnerKey().Reveal()[:len("raff_")+8], Process: ended.Process.Pid}
			appendRecord(t, b.path, r)
			if other != nil {
				r.Call = "other"
				if name == "made" {
					appendRecord(t, b.path, r)
				}
				other(&r, key)
				appendRecord(t, b.path, r)
			}
			b.call(t, t.Context(), "list_projects", "{}")
			var got string
			for _, r := range b.outcomes(t) {
				if r.Call == "lost" {
					got += string(r.Outcome) + " " + r.ID
				}
			}
			want := map[string]string{"lost": "unknown " + key.ID, "made": "unknown ", "runs": "", "used": "unknown "}[name]
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if log := b.bench.log.String(); strings.Contains(log, key.ID) != (name == "lost") {
				t.Errorf("got log %s", log)
			}
		})
	}
}

// A regeneration that a later one has superseded needs no other.
func TestUnfinishedRegenerationThatWasRepeated(t *testing.T) {
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	b := newActivityBench(t, "")
	for _, r := range []activity.Record{{Call: "lost", Outcome: activity.Begun}, {Call: "later", Outcome: activity.Begun}, {Call: "later", Outcome: activity.Done}} {
		r.Time = activity.Timestamp(time.Now().Add(-10 * time.Minute))
		if r.Call == "later" {
			r.Time = activity.Timestamp(time.Now().Add(-9 * time.Minute))
		}
		r.Tool, r.Resource, r.ID, r.Prefix, r.Process = "regenerate_api_key", "api_key", sandbox.KeyID("grafana"), "raff_00000000", ended.Process.Pid
		r.OwnKeyPrefix = b.api.OwnerKey().Reveal()[:len("raff_")+8]
		appendRecord(t, b.path, r)
	}
	b.call(t, t.Context(), "list_projects", "{}")
	b.log.Close(time.Minute)
	if log := b.bench.log.String(); strings.Contains(log, "regenerate it") {
		t.Errorf("got log %s", log)
	}
}

func appendRecord(t *testing.T, path string, r activity.Record) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(text, '\n')); err != nil {
		t.Fatal(err)
	}
}

// prefixOf returns the prefix of a key in the sandbox.
func prefixOf(t *testing.T, b *activityBench, id string) string {
	t.Helper()
	for _, k := range b.api.Keys() {
		if k.ID == id {
			return k.Prefix
		}
	}
	t.Fatalf("no key %s", id)
	return ""
}

// If no key is as recent as an unfinished creation, it had no effect. If the keys cannot be
// listed, nothing is recorded, and the next start looks again.
func TestUnfinishedCreationHadNoEffect(t *testing.T) {
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	begin := func(t *testing.T, age time.Duration, fault faulty.Fault) []activity.Record {
		t.Helper()
		b := newActivityBench(t, "")
		b.api.Fail(fault)
		appendRecord(t, b.path, activity.Record{Time: activity.Timestamp(time.Now().Add(-age)), Call: "x", Outcome: activity.Begun, Tool: "create_api_key", Resource: "api_key",
			Name: "ci", OwnKeyPrefix: b.api.OwnerKey().Reveal()[:len("raff_")+8], Process: ended.Process.Pid})
		b.call(t, t.Context(), "list_projects", "{}")
		return b.outcomes(t)
	}
	old := faulty.Fault{Method: "GET", Path: "/api/v1/api-keys", Set: map[string]any{"created_at": "2001-01-01T00:00:00Z"}, Times: -1}
	if list := begin(t, 10*time.Minute, old); len(list) != 1 || list[0].Outcome != activity.Failed {
		t.Errorf("got %+v, want that it had no effect", list)
	}
	for name, list := range map[string][]activity.Record{
		"too early":     begin(t, time.Minute, old),
		"too old":       begin(t, 8*24*time.Hour, old),
		"not permitted": begin(t, 10*time.Minute, faulty.Fault{Method: "GET", Path: "/api/v1/api-keys", Status: 403, Times: -1}),
	} {
		if len(list) != 0 {
			t.Errorf("%s: got %+v", name, list)
		}
	}
}
