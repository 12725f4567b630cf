package tools_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

type keyList struct {
	Summary string
	Total   int
	Items   []map[string]any
}

func keysListed(t *testing.T, r result) (l keyList) {
	t.Helper()
	if r.IsError {
		t.Fatalf("got an error: %s", r.text())
	}
	conforms(t, "list_api_keys", r)
	if err := json.Unmarshal(r.StructuredContent, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// A key costs a model little, and names its creator.
func TestListedKeysAreLean(t *testing.T) {
	b := newBench(t)
	r := b.call(t, t.Context(), "list_api_keys", `{}`)
	l := keysListed(t, r)
	if size := len(r.StructuredContent) / len(l.Items); size > 300 {
		t.Errorf("got %d bytes for each key, want 300 at most", size)
	}
	for _, k := range l.Items {
		email, id := k["created_by_email"], k["created_by"]
		if left := k["name"] == "Migration"; left != (id != nil) || left != (email == nil) {
			t.Errorf("got creator %v, %v of %v", email, id, k["name"])
		}
	}
	for _, want := range []string{"All 15", "without expires_at never expires", "not a member of the account is shown by user ID"} {
		if !strings.Contains(l.Summary, want) {
			t.Errorf("got %q, want it to say %q", l.Summary, want)
		}
	}
	l = keysListed(t, b.call(t, t.Context(), "list_api_keys", `{"name":"Nightly"}`))
	if len(l.Items) != 1 || strings.Contains(l.Summary, "never") || strings.Contains(l.Summary, "user ID") {
		t.Errorf("it explains what is not there: %+v", l)
	}
	before := len(b.api.Requests())
	l = keysListed(t, b.call(t, t.Context(), "list_api_keys", `{"name":"no such key"}`))
	if l.Summary != "No API keys match." || l.Items == nil || len(b.api.Requests())-before != 1 {
		t.Errorf("got %+v after %d requests, want one", l, len(b.api.Requests())-before)
	}
}

// Keys are found by their creator: a member by e-mail address or user ID, somebody who
// has left by user ID.
func TestListKeysByCreator(t *testing.T) {
	b := newBench(t)
	for creator, want := range map[string][]string{
		"dana@meridian.example":                                    {"Dana laptop"},
		"CHEN@Meridian.example":                                    {"Load test", "CI"},
		sandbox.UserIDOf("farid@meridian.example"):                 {"Migration"},
		strings.ToUpper(sandbox.UserIDOf("dana@meridian.example")): {"Dana laptop"},
		nobody: nil,
	} {
		l := keysListed(t, b.call(t, t.Context(), "list_api_keys", args("created_by", creator)))
		var got []string
		for _, k := range l.Items {
			got = append(got, k["name"].(string))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", creator, got, want)
		}
	}
	upper := newBench(t)
	upper.api.Fail(faulty.Fault{Path: "/api/v1/api-keys*", Set: map[string]any{"created_by": strings.ToUpper(sandbox.UserIDOf("chen@meridian.example"))}})
	if l := keysListed(t, upper.call(t, t.Context(), "list_api_keys", args("created_by", "chen@meridian.example"))); l.Total != 15 {
		t.Errorf("with IDs in upper case: got %d keys, want 15", l.Total)
	}
	for creator, want := range map[string]string{
		"farid@meridian.example": "list_api_keys",
		"eva@contractor.example": "list_api_keys", // invited, and no user yet
		"chen":                   "must be a user ID (a UUID) or an e-mail address",
	} {
		if r := b.call(t, t.Context(), "list_api_keys", args("created_by", creator)); !r.IsError || !strings.Contains(r.text(), want) {
			t.Errorf("%s: got %s, want it to say %q", creator, r.raw, want)
		}
	}
}

// Without the members, keys are listed all the same, but not filtered by an e-mail address.
func TestListKeysWithoutMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, fault := range map[string]faulty.Fault{
			"lacks a permission": {Status: 403},
			"took too long":      {Delay: time.Hour},
			"contains no user":   {Body: `{"success":true,"data":[],"total":0}`},
		} {
			b := newBench(t)
			fault.Path, fault.Times = "/api/v1/members*", -1
			b.api.Fail(fault)
			start := time.Now()
			l := keysListed(t, b.call(t, t.Context(), "list_api_keys", `{}`))
			if took := time.Since(start); l.Total != 15 || l.Items[0]["created_by"] != sandbox.UserID || !strings.Contains(l.Summary, want) || took > 6*time.Second {
				t.Errorf("after %v got %q and %v, want it to say %q", took, l.Summary, l.Items[0], want)
			}
			r := b.call(t, t.Context(), "list_api_keys", args("created_by", "chen@meridian.example"))
			if fault.Status == 403 && (!strings.Contains(r.text(), want) || !strings.Contains(r.text(), "account.members.view")) || !r.IsError {
				t.Errorf("by e-mail address: got %s", r.raw)
			}
			l = keysListed(t, b.call(t, t.Context(), "list_api_keys", args("created_by", sandbox.UserIDOf("chen@meridian.example"))))
			if l.Total != 2 {
				t.Errorf("by user ID: got %+v", l)
			}
		}
	})
}

// A single key names its creator too, or says why it does not.
func TestCreatorOfKey(t *testing.T) {
	get := func(b *bench, handle string) (summary, email string) {
		r := b.call(t, t.Context(), "get_api_key", args("api_key_id", sandbox.KeyID(handle)))
		conforms(t, "get_api_key", r)
		email, _ = structured(t, r).APIKey["created_by_email"].(string)
		return r.text(), email
	}
	b := newBench(t)
	for handle, want := range map[string][2]string{
		"grafana":     {"It was created by \"amir@meridian.example\".", "amir@meridian.example"},
		"dana-laptop": {`"dana@meridian.example", whose status as a member is "suspended"`, "dana@meridian.example"},
		"migration":   {"is not a member of the account", ""},
	} {
		if said, email := get(b, handle); !strings.Contains(said, want[0]) || email != want[1] {
			t.Errorf("%s: got %q and %q, want %q", handle, said, email, want)
		}
	}
	b.api.Fail(faulty.Fault{Path: "/api/v1/members*", Status: 403, Times: -1})
	if said, email := get(b, "grafana"); email != "" || !strings.Contains(said, "is unknown: the server's API key lacks a permission") {
		t.Errorf("got %q and %q", said, email)
	}
}

// What an update returns of the key is what a list shows of it.
func TestUpdatedKeyIsLean(t *testing.T) {
	b := newBench(t)
	r := b.call(t, t.Context(), "update_api_key", args("api_key_id", sandbox.KeyID("ci"), "name", "New name"))
	key := structured(t, r).APIKey
	if key["name"] != "New name" || key["account_id"] != nil || key["project_accesses"] != nil || key["key_prefix"] == nil {
		t.Errorf("got %s", r.StructuredContent)
	}
}

// An expiry that cannot be removed is not kept without a word. Clients that write null for
// every property that they do not set mean nothing by it.
func TestExpiryCannotBeRemoved(t *testing.T) {
	key := `"api_key_id":"` + sandbox.KeyID("grafana") + `"`
	for _, arguments := range []string{`{` + key + `,"expires_at":null}`, `{` + key + `,"expires_at":null,"name":"New"}`} {
		b := newBench(t)
		r := b.call(t, t.Context(), "update_api_key", arguments)
		if !r.IsError || !strings.Contains(r.text(), "no way to remove the expiry") || strings.Contains(r.text(), "at least one") || len(b.api.Requests()) != 0 {
			t.Errorf("%s: got %s after %d requests", arguments, r.raw, len(b.api.Requests()))
		}
	}
	b := newBench(t)
	if r := b.call(t, t.Context(), "update_api_key", `{`+key+`,"expires_at":null,"name":"New","is_active":null}`); len(changesOf(t, r).Changes) != 1 {
		t.Errorf("got %s", r.raw)
	}
	for handle, said := range map[string]bool{"terraform": true, "grafana": false} { // the first has no expiry
		r := b.call(t, t.Context(), "update_api_key", args("api_key_id", sandbox.KeyID(handle), "expires_at", "2100-01-01T00:00:00Z"))
		if strings.Contains(changesOf(t, r).Summary, "cannot be removed again") != said {
			t.Errorf("%s: got %s", handle, r.text())
		}
	}
}

// A role of a project is refused with the way to give it.
func TestRoleOfProjectScope(t *testing.T) {
	create := func(b *bench, role string) string {
		r := b.call(t, t.Context(), "create_api_key", args("name", "ci", "role_id", role))
		if !r.IsError || len(b.made()) != 0 {
			t.Fatalf("got %s", r.raw)
		}
		return r.text()
	}
	b := newBench(t)
	viewer := sandbox.RoleID("viewer")
	said := create(b, viewer)
	for _, want := range []string{"Nothing was created", `role "Viewer" is of project scope`, "without role_id", `add_project_member {"project_id":"…","api_key_id":"…","role_id":"` + viewer + `"}`} {
		if !strings.Contains(said, want) {
			t.Errorf("got %q, want it to say %q", said, want)
		}
	}
	if said := create(b, nobody); !strings.Contains(said, "no such role") {
		t.Errorf("a role that does not exist: got %q", said)
	}
	b.api.Fail(faulty.Fault{Method: "POST", Status: 400, Body: `{"message":"too many keys"}`})
	if said := create(b, sandbox.RoleID("member")); !strings.Contains(said, "too many keys") {
		t.Errorf("another refusal: got %q", said)
	}
	b.api.Fail(faulty.Fault{Path: "/api/v1/roles*", Status: 403, Times: -1})
	if said := create(b, viewer); !strings.Contains(said, "must be a role of account scope") {
		t.Errorf("a role that cannot be read: got %q", said)
	}
}
