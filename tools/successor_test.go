package tools_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// Without expires_at, a successor is valid for as long as the old key was in all.
func TestSuccessorHasTheTermOfTheOldKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for handle, want := range map[string]struct {
			days int // 0 is never
			said string
		}{
			"production-deploy": {100, "the term of the old key, counted from now: 100 days."},
			"old-website":       {365, "counted from now: 365 days."}, // it has expired
			"terraform":         {0, `The old key never expires either. A leaked secret stays valid forever, so consider an expiry: update_api_key {"api_key_id":"`},
		} {
			b := newBench(t)
			r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID(handle)))
			conforms(t, "replace_api_key", r)
			replaced(t, r)
			wanted := time.Time{}
			if want.days > 0 {
				wanted = time.Now().AddDate(0, 0, want.days).UTC()
			}
			if got := b.made()[0].ExpiresAt; !got.Equal(wanted) || !strings.Contains(r.text(), want.said) {
				t.Errorf("%s: got %v and %q, want %v and %q", handle, got, r.text(), wanted, want.said)
			}
		}
		b := newBench(t)
		r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("terraform"), "expires_at", "2100-01-01T00:00:00Z"))
		if strings.Contains(r.text(), "No expires_at") || strings.Contains(r.text(), "never expires") {
			t.Errorf("with expires_at: got %s", r.text())
		}
	})
}

// A term that is not known is not guessed.
func TestUnknownTerm(t *testing.T) {
	for _, tt := range []struct {
		fault faulty.Fault
		want  string
	}{
		{faulty.Fault{Omit: []string{"created_at"}}, "does not show when it was created"},
		{faulty.Fault{Set: map[string]any{"created_at": "lately"}}, "does not show when it was created"},
		{faulty.Fault{Set: map[string]any{"expires_at": "soon"}}, `shows "soon" as its expiry`},
		{faulty.Fault{Set: map[string]any{"expires_at": 17}}, "as its expiry"},
		{faulty.Fault{Set: map[string]any{"created_at": "2100-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z"}}, "is not after its creation"},
		{faulty.Fault{Set: map[string]any{"expires_at": "9999-01-01T00:00:00Z", "created_at": "0900-01-01T00:00:00Z"}}, "cannot be counted from now"},
	} {
		b := newBench(t)
		tt.fault.Method, tt.fault.Times = "GET", -1
		b.api.Fail(tt.fault)
		arguments := args("api_key_id", sandbox.KeyID("grafana"))
		if r := b.call(t, t.Context(), "replace_api_key", arguments); !r.IsError || !strings.Contains(r.text(), tt.want) || !strings.HasSuffix(r.text(), "Call again with expires_at.") || len(b.made()) != 0 {
			t.Errorf("got %s, want it to say %q", r.raw, tt.want)
		}
		if r := b.call(t, t.Context(), "replace_api_key", strings.Replace(arguments, "}", `,"expires_at":"2100-01-01T00:00:00Z"}`, 1)); r.IsError {
			t.Errorf("with expires_at: got %s", r.raw)
		}
	}
	// A term that is longer than a time.Duration can express.
	b := newBench(t)
	b.api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"expires_at": "3000-01-01T00:00:00Z", "created_at": "2000-01-01T00:00:00Z"}})
	replaced(t, b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("grafana"))))
	if got, want := b.made()[0].ExpiresAt.Year(), time.Now().Year()+1000; got < want-1 || got > want+1 {
		t.Errorf("got the year %d, want %d", got, want)
	}
}

// However often keys are replaced, no two have one name, unless that is requested.
func TestSuccessorsHaveDistinctNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		replace := func(id string, more ...string) (string, string) {
			out := replaced(t, b.call(t, t.Context(), "replace_api_key", args(append(more, "api_key_id", id)...)))
			return out.APIKey.ID, out.APIKey.Name
		}
		day := time.Now().UTC().Format("2006-01-02")
		names := map[string]bool{"CI": true}
		id := sandbox.KeyID("ci")
		for i := range 6 {
			from := id
			if i < 3 { // the same key again, and another of that name; then each successor in turn
				from = sandbox.KeyID([]string{"ci", "ci", "ci-old"}[i])
			}
			var name string
			id, name = replace(from)
			if names[name] || !strings.HasPrefix(name, "CI ("+day+" ") || strings.Count(name, "(") != 1 {
				t.Errorf("got %q after %v", name, names)
			}
			names[name] = true
		}
		if _, name := replace(id, "name", "CI"); name != "CI" {
			t.Errorf("got %q, want the requested name", name)
		}
		long := strings.Repeat("é", 128)
		b.api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"name": long}})
		if _, name := replace(id); utf8.RuneCountInString(name) != 128 || !strings.HasPrefix(name, "éé") || !strings.Contains(name, day) {
			t.Errorf("got %q, want 128 characters", name)
		}
	})
}

// The result is what the successor can use: its account role, and its roles in projects
// as Raff's responses show them.
func TestAccessOfSuccessor(t *testing.T) {
	b := newBench(t)
	out := replaced(t, b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("dana-laptop"))))
	a := out.Access
	if a.RoleID != sandbox.RoleID("member") || a.RoleName != "Member" || len(a.Projects) != 1 || a.Projects[0].RoleID != sandbox.RoleID("operator") {
		t.Fatalf("got %+v", a)
	}
	p := a.Projects[0]
	if r := b.call(t, t.Context(), "remove_project_member", args("project_id", p.ProjectID, "member_id", p.MemberID, "confirm_name", p.MemberID)); r.IsError {
		t.Errorf("its member ID does not remove it: %s", r.raw)
	}
	b.api.Fail(faulty.Fault{Method: "POST", Path: "/api/v1/projects/*", Set: map[string]any{"role_id": sandbox.RoleID("viewer"), "role_name": "Viewer"}})
	r := b.call(t, t.Context(), "replace_api_key", args("api_key_id", sandbox.KeyID("dana-laptop")))
	conforms(t, "replace_api_key", r)
	if a := replaced(t, r).Access; a.Projects[0].RoleID != sandbox.RoleID("viewer") || !strings.Contains(r.text(), "Raff's response shows role "+sandbox.RoleID("viewer")) || !strings.Contains(string(r.StructuredContent), `"not_applied":["project_accesses"]`) {
		t.Errorf("with another role: got %s", r.StructuredContent)
	}
}
