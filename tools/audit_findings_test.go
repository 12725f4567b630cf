package tools_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// An audit raises no alarm over what it does not know.
func TestAuditOfOddAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.call(t, t.Context(), "create_api_key", `{"name":"brand new"}`)
		b.api.Fail(faulty.Fault{Path: "/api/v1/members*", Omit: []string{"status"}})
		b.api.Fail(faulty.Fault{Path: "/api/v1/api-keys*", Set: map[string]any{"last_used_at": "lately", "role_id": nobody}})
		a := b.audit(t, `{}`)
		for _, f := range a.list() {
			if strings.Contains(f, "creator_gone") || strings.HasSuffix(f, "never_used brand new") {
				t.Errorf("it finds: %s", f)
			}
		}
		for _, want := range []string{"names nobody who is active", "was last used is unknown", "role of some keys"} {
			if !strings.Contains(a.Summary, want) {
				t.Errorf("got %q, want it to say %q", a.Summary, want)
			}
		}
	})
}

// A value that cannot be read is not judged, and unknown says so, with some of the keys.
func TestAuditOfUnreadableValues(t *testing.T) {
	for _, tt := range []struct {
		path   string
		set    map[string]any
		omit   []string
		not    []string // kinds that are not found
		notice string
	}{
		{"api-keys", map[string]any{"expires_at": 5}, nil, []string{"never_expires", "expires_soon", "expired"}, "When the key expires is unknown for "},
		{"api-keys", map[string]any{"expires_at": ""}, nil, []string{"never_expires", "expires_soon", "expired"}, "When the key expires is unknown for "},
		{"api-keys", map[string]any{"last_used_at": 5}, nil, []string{"never_used", "unused"}, "When the key was last used is unknown for "},
		{"api-keys", map[string]any{"created_at": "?"}, []string{"last_used_at"}, []string{"never_used", "unused"}, "When the key was created is unknown for "},
		{"api-keys", map[string]any{"created_by": 5}, nil, []string{"creator_gone", "creator_suspended"}, "Who created the key is unknown for "},
		{"api-keys", nil, []string{"created_by"}, []string{"creator_gone", "creator_suspended"}, "Who created the key is unknown for "},
		{"api-keys", map[string]any{"is_active": "yes"}, nil, []string{"inactive"}, "Whether the key is active is unknown for "},
		{"api-keys", map[string]any{"project_accesses": 5}, nil, []string{"manages_project_members"}, "What the key may do is not fully known for "},
		{"roles", map[string]any{"permissions": 5}, nil, nil, "What the role of some keys allows is unknown"},
		{"members", map[string]any{"user_id": 5}, nil, []string{"creator_gone", "creator_suspended"}, "still members is unknown"},
	} {
		t.Run(fmt.Sprint(tt.path, tt.set, tt.omit), func(t *testing.T) {
			b := newBench(t)
			b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/" + tt.path + "*", Set: tt.set, Omit: tt.omit, Times: -1})
			a := b.audit(t, `{"expires_within_days":3650}`)
			for _, kind := range tt.not {
				if a.Counts[kind] != 0 {
					t.Errorf("%d findings of %s", a.Counts[kind], kind)
				}
			}
			i := slices.IndexFunc(a.Unknown, func(text string) bool { return strings.Contains(text, tt.notice) })
			if i < 0 || len(a.Unknown[i]) > 400 || !strings.Contains(a.Summary, tt.notice) {
				t.Errorf("got %q in %q, want it to say %q", a.Unknown, a.Summary, tt.notice)
			}
		})
	}
}

// A key is named once for each thing that is unknown about it, whatever its roles. A creator who
// may be the member with an unreadable ID is not judged.
func TestAuditNamesKeysOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, unknownRole := newBench(t), map[string]any{"role_id": nobody, "role_name": "Old", "created_by": nobody}
		unknownRole["project_accesses"] = []any{map[string]any{"project_id": nobody, "role_id": nobody, "role_name": "Old"}}
		b.serveKeys(t, fakeKey(1, unknownRole), fakeKey(2, unknownRole), fakeKey(3, unknownRole), fakeKey(4, unknownRole), fakeKey(5, unknownRole))
		b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/members", Body: mustJSON(t, map[string]any{"success": true, "total": 2, "data": []any{
			map[string]any{"id": sandbox.MemberID("", "olivia@meridian.example"), "user_id": sandbox.UserID, "status": "active"},
			map[string]any{"id": sandbox.MemberID("", "amir@meridian.example"), "user_id": 5, "status": "active"},
		}})})
		a := b.audit(t, `{}`)
		for _, want := range []string{
			"What the role of some keys allows is unknown, because it is not among the roles listed: ",
			"Whether the creator is still a member is unknown for ",
		} {
			i := slices.IndexFunc(a.Unknown, func(text string) bool { return strings.HasPrefix(text, want) })
			if keys := `"k1" (raff_00000001), "k2" (raff_00000002), "k3" (raff_00000003) and 2 more`; i < 0 || !strings.Contains(a.Unknown[i], keys) {
				t.Errorf("got %q, want %q with %s", a.Unknown, want, keys)
			}
		}
		if a.Total != 0 {
			t.Errorf("got %v", a.list())
		}
	})
}

// fakeKey is an API key as the API lists it, without faults; with changes it.
func fakeKey(n int, with map[string]any) map[string]any {
	key := map[string]any{
		"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", n), "name": fmt.Sprintf("k%d", n), "key_prefix": fmt.Sprintf("raff_%08x", n), "is_active": true,
		"created_by": sandbox.UserID, "created_at": date(-300), "last_used_at": date(-1), "expires_at": date(200),
	}
	for name, value := range with {
		if key[name] = value; value == nil {
			delete(key, name)
		}
	}
	return key
}

// date returns a date relative to that on which a bubble of package synctest starts.
func date(days int) string {
	return time.Date(2000, 1, 1+days, 0, 0, 0, 0, time.UTC).Format(time.RFC3339)
}

// serveKeys makes the API list these keys.
func (b *bench) serveKeys(t *testing.T, keys ...map[string]any) {
	t.Helper()
	b.api.Fail(faulty.Fault{Method: "GET", Path: "/api/v1/api-keys", Times: -1, Body: mustJSON(t, map[string]any{"success": true, "data": keys, "total": len(keys)})})
}

func withRole(slug string) map[string]any {
	return map[string]any{"role_id": sandbox.RoleID(slug), "role_slug": slug, "role_name": capital(slug)}
}

func withProjectRole(slug string, projects ...string) map[string]any {
	var accesses []map[string]any
	for _, p := range projects {
		accesses = append(accesses, map[string]any{"project_id": sandbox.ProjectID(p), "project_name": capital(p), "role_id": sandbox.RoleID(slug), "role_slug": slug, "role_name": capital(slug)})
	}
	return map[string]any{"project_accesses": accesses}
}

func capital(slug string) string { return strings.ToUpper(slug[:1]) + slug[1:] }

// kindExample is a key and the findings about it.
type kindExample struct {
	name      string
	key       []map[string]any
	want      []string // severity and kind of every finding
	why, fix  []string // parts of those of the first
	arguments string
}

// kindExamples has keys with every kind of finding. Their dates are for a bubble of package
// synctest.
func kindExamples() []kindExample {
	revoke := `revoke_api_key {"api_key_id":"00000000-0000-4000-8000-000000000001","confirm_name":"k1"}`
	replace := `replace_api_key {"api_key_id":"00000000-0000-4000-8000-000000000001","expires_at":"2000-03-31T00:00:00Z"}`
	idle, gone, suspended := map[string]any{"last_used_at": date(-91)}, map[string]any{"created_by": nobody}, map[string]any{"created_by": sandbox.UserIDOf("dana@meridian.example")}
	return []kindExample{
		{"nothing", nil, nil, nil, nil, ""},
		{"viewer", []map[string]any{withRole("member"), withProjectRole("deployer", "staging")}, nil, nil, nil, ""},
		{"owner", []map[string]any{withRole("owner")}, []string{"high could_administer"}, []string{"role Owner allows everything"},
			[]string{`list_roles {"scope":"account"}`, `create_api_key {"name":"k1 2","expires_at":"2000-03-31T00:00:00Z","role_id":"…"}`, revoke}, ""},
		{"custom role", []map[string]any{withRole("key-administrator"), withProjectRole("viewer", "staging", "production")}, []string{"high could_administer"},
			[]string{"account.apikeys.create", "account.members.manage"}, []string{"without such permissions", "add_project_member for its 2 project roles", revoke}, ""},
		{"expired owner", []map[string]any{withRole("owner"), {"expires_at": date(-1)}}, []string{"medium could_administer", "low expired"}, nil, []string{"does not work now: " + revoke}, ""},
		{"unused admin", []map[string]any{withRole("admin"), idle}, []string{"high could_administer", "medium unused"}, nil, []string{"not in use. If nobody needs it: " + revoke}, ""},
		{"operator", []map[string]any{withProjectRole("operator", "staging", "production")}, []string{"medium manages_project_members"}, []string{`in "Staging", "Production": whoever`},
			[]string{"list_project_members " + args("project_id", sandbox.ProjectID("staging")), `list_roles {"scope":"project"}`, "update_project_member {", "the same in the other projects"}, ""},
		{"gone", []map[string]any{gone}, []string{"high creator_gone"}, []string{"user ID " + nobody, "no longer a member"}, []string{replace, "deploy", "then " + revoke}, ""},
		{"gone, not in use", []map[string]any{gone, idle}, []string{"high creator_gone", "medium unused"}, nil, []string{"If nobody needs it: " + revoke}, ""},
		{"suspended", []map[string]any{suspended}, []string{"high creator_suspended"}, []string{`"dana@meridian.example"`, "suspended"}, []string{replace, "then " + revoke}, ""},
		{"never expires", []map[string]any{{"expires_at": nil}}, []string{"medium never_expires"}, nil,
			[]string{`update_api_key {"api_key_id":"00000000-0000-4000-8000-000000000001","expires_at":"2000-03-31T00:00:00Z"}`, "cannot be removed"}, ""},
		{"expires this week", []map[string]any{{"expires_at": date(7)}}, []string{"high expires_soon"}, []string{"in use", date(7)}, []string{replace, revoke}, ""},
		{"expires next week", []map[string]any{{"expires_at": date(8)}}, []string{"medium expires_soon"}, []string{"in use"}, []string{replace}, ""},
		{"expires this week, last use unknown", []map[string]any{{"expires_at": date(5), "last_used_at": "?"}}, []string{"medium expires_soon"}, nil, []string{replace}, ""},
		{"expires this week, not in use", []map[string]any{{"expires_at": date(5)}, idle}, []string{"medium expires_soon", "medium unused"}, nil, []string{"If nobody needs it: " + revoke}, ""},
		{"expires this week, unused for less", []map[string]any{{"expires_at": date(5)}, idle}, []string{"high expires_soon"}, nil, nil, `{"unused_days":92}`},
		{"expires later than asked for", []map[string]any{{"expires_at": date(5)}}, nil, nil, nil, `{"expires_within_days":4}`},
		{"expired", []map[string]any{{"expires_at": date(-1)}}, []string{"low expired"}, []string{date(-1)}, []string{revoke}, ""},
		{"inactive", []map[string]any{{"is_active": false}}, []string{"low inactive"}, nil, []string{revoke}, ""},
		{"never used", []map[string]any{{"last_used_at": nil}}, []string{"medium never_used"}, []string{date(-300)}, []string{revoke}, ""},
		{"new", []map[string]any{{"last_used_at": nil, "created_at": date(-6)}}, nil, nil, nil, ""},
		{"unused", []map[string]any{idle}, []string{"medium unused"}, []string{date(-91)}, []string{revoke}, ""},
	}
}

// Every kind of finding, with its severity and its fix. The fix of a key that is not in use, or
// does not work, is simpler.
func TestAuditKinds(t *testing.T) {
	for _, tt := range kindExamples() {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, changes := newBench(t), map[string]any{}
				for _, change := range tt.key {
					maps.Copy(changes, change)
				}
				b.serveKeys(t, fakeKey(1, changes))
				a := b.audit(t, tt.arguments)
				a.checkCalls(t)
				var got []string
				for _, f := range a.Findings {
					got = append(got, f.Severity+" "+f.Kind)
				}
				if !slices.Equal(got, tt.want) {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
				for _, part := range tt.why {
					if !strings.Contains(a.Findings[0].Why, part) {
						t.Errorf("got %q, want it to say %q", a.Findings[0].Why, part)
					}
				}
				for _, part := range tt.fix {
					if !strings.Contains(a.Findings[0].Fix, part) {
						t.Errorf("got %q, want it to say %q", a.Findings[0].Fix, part)
					}
				}
			})
		})
	}
}

// The proposed names are distinct from all others, and short enough.
func TestAuditProposesNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, long := newBench(t), strings.Repeat("ü", 128)
		var keys []map[string]any
		taken := map[string]bool{}
		for i, name := range []string{"CI", "CI", "CI 2", "CI", long, long} {
			taken[name] = true
			keys = append(keys, fakeKey(i, map[string]any{"name": name}))
		}
		b.serveKeys(t, keys...)
		a := b.audit(t, `{}`)
		for _, f := range a.Findings {
			_, call, _ := strings.Cut(f.Fix, "update_api_key ")
			var proposed struct{ Name string }
			if err := json.Unmarshal([]byte(strings.TrimSuffix(call, ".")), &proposed); err != nil || taken[proposed.Name] || len([]rune(proposed.Name)) > 128 {
				t.Errorf("%s: got %q, %v, want a call with a name that is not taken", f.Name, f.Fix, err)
			}
			taken[proposed.Name] = true
		}
		if a.Total != 5 || a.Counts["duplicate_name"] != 5 || !strings.Contains(a.Findings[0].Why, "3 keys have this name") {
			t.Errorf("got %+v", a)
		}
		// A limit to one key changes neither that nor the proposal.
		one := b.audit(t, args("api_key_id", keys[3]["id"].(string)))
		i := slices.IndexFunc(a.Findings, func(f auditFinding) bool { return f.ID == keys[3]["id"] })
		if one.Keys != 1 || one.Total != 1 || one.Findings[0] != a.Findings[i] {
			t.Errorf("got %+v, want %+v", one, a.Findings[i])
		}
	})
}

// The server's own key can be renamed, but not replaced or revoked by this server.
func TestAuditOfOwnKey(t *testing.T) {
	b := newBench(t)
	b.call(t, t.Context(), "update_api_key", args("api_key_id", sandbox.KeyID("grafana"), "name", "Owner"))
	for _, f := range b.audit(t, args("api_key_id", sandbox.KeyID("owner"))).Findings {
		renames, own := strings.Contains(f.Fix, "update_api_key {"), strings.Contains(f.Fix, "the key that the server itself runs with")
		if renames != (f.Kind == "duplicate_name") || own == renames {
			t.Errorf("%s: got %q", f.Kind, f.Fix)
		}
	}
}
