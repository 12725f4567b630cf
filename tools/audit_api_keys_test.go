package tools_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// audited is the result of an audit.
type audited struct {
	Summary    string
	Keys       int
	Counts     map[string]int
	Total      int
	NextOffset int `json:"next_offset"`
	Findings   []auditFinding
	Unknown    []string
	size       int
}

type auditFinding struct {
	Severity, Kind, ID, Name, Why, Fix string
	KeyPrefix                          string `json:"key_prefix"`
}

// audit calls the tool and checks what holds for every result.
func (b *bench) audit(t *testing.T, arguments string) (a audited) {
	t.Helper()
	r := b.call(t, t.Context(), "audit_api_keys", arguments)
	if r.IsError {
		t.Fatal(r.text())
	}
	conforms(t, "audit_api_keys", r)
	if err := json.Unmarshal(r.StructuredContent, &a); err != nil {
		t.Fatal(err)
	}
	a.size = len(r.StructuredContent)
	for _, f := range a.Findings {
		if f.Why == "" || f.Fix == "" {
			t.Errorf("a finding does not say why, or how to fix it: %+v", f)
		}
	}
	return a
}

// list returns the findings as text: severity, kind and name.
func (a audited) list() (all []string) {
	for _, f := range a.Findings {
		all = append(all, f.Severity+" "+f.Kind+" "+f.Name)
	}
	return all
}

func (a audited) has(finding string) bool { return slices.Contains(a.list(), finding) }

// fix returns the fix of the only finding of a kind.
func (a audited) fix(t *testing.T, kind string) string {
	t.Helper()
	for _, f := range a.Findings {
		if f.Kind == kind {
			return f.Fix
		}
	}
	t.Fatalf("there is no %s in %v", kind, a.list())
	return ""
}

var callPattern = regexp.MustCompile(`([a-z]+(?:_[a-z]+)+) (\{.*?\})`)

// checkCalls checks that the calls in the fixes are valid, except for values to look up.
func (a audited) checkCalls(t *testing.T) {
	t.Helper()
	for _, f := range a.Findings {
		calls := callPattern.FindAllStringSubmatch(f.Fix, -1)
		if len(calls) == 0 && !strings.Contains(f.Fix, "In the sandbox") {
			t.Errorf("%s: there is no call in %q", f.Kind, f.Fix)
		}
		for _, call := range calls {
			i := slices.IndexFunc(tools.All(), func(tool tools.Tool) bool { return tool.Name == call[1] })
			arguments, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.ReplaceAll(call[2], `"…"`, `"`+nobody+`"`)))
			if i < 0 || err != nil {
				t.Errorf("%s: %q is not a call: %v", f.Kind, call[0], err)
				continue
			}
			if err := compileSchema(t, tools.All()[i].Definition().RawInputSchema).Validate(arguments); err != nil {
				t.Errorf("%s: %q: %v", f.Kind, call[0], err)
			}
		}
	}
}

// The audit finds what the seeded account is seeded with, and orders it by risk.
func TestAudit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		a := b.audit(t, `{}`)
		a.checkCalls(t)
		want := []string{
			"high could_administer Owner", "high could_administer Break glass", // Owner before Admin; never expires before does
			"high could_administer Terraform", "high could_administer Team onboarding",
			"high creator_suspended Dana laptop", // may manage members of a project
			"high creator_gone Migration", "high expires_soon Nightly backup",
			"medium never_expires Owner", "medium never_expires Terraform",
			"medium manages_project_members Dana laptop",
			"medium unused Invoice export", // may change the billing
			"medium never_used Grafana",
			"low manages_project_members Load test", "low inactive Load test", // do not work
			"low duplicate_name CI", "low duplicate_name CI", "low expired Old website",
		}
		if got := a.list(); !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if a.Keys != 15 || a.Total != 17 || a.NextOffset != 0 || a.Counts["could_administer"] != 4 || len(a.Unknown) != 0 {
			t.Errorf("got %+v", a)
		}
		for _, text := range []string{"Looked at 15 API keys. Findings: 17 (7 high, 5 medium, 5 low).", `The worst is could_administer, key "Owner" (raff_`, "only if the user agrees"} {
			if !strings.Contains(a.Summary, text) {
				t.Errorf("got %q, want it to say %q", a.Summary, text)
			}
		}
		if fix := a.fix(t, "could_administer"); !strings.Contains(fix, "This is the key that the server itself runs with") {
			t.Errorf("got %q for the server's own key", fix)
		}
		wide := b.audit(t, `{"expires_within_days":61,"unused_days":1}`)
		for _, want := range []string{"medium expires_soon Production deploy", "medium unused Break glass"} {
			if !wide.has(want) {
				t.Errorf("with other thresholds it does not find: %s", want)
			}
		}
	})
}

// The counts and the way to the rest come before the findings, because clients cut off the end.
func TestAuditBeginsWithWhatIsShort(t *testing.T) {
	b := newBench(t)
	b.api.Fail(faulty.Fault{Path: "/api/v1/members*", Status: 403, Times: -1})
	text := string(b.call(t, t.Context(), "audit_api_keys", `{"limit":1}`).StructuredContent)
	at := 0
	for _, name := range []string{"summary", "keys", "counts", "total", "next_offset", "findings", "unknown"} {
		i := strings.Index(text, `"`+name+`":`)
		if i < at {
			t.Errorf("%s is at %d, want it after %d in %s", name, i, at, text)
		}
		at = i
	}
}

// What may not be read is unknown, and said to be.
func TestAuditWithoutPermissions(t *testing.T) {
	b := newBench(t)
	b.api.Fail(faulty.Fault{Path: "/api/v1/members*", Status: 403, Times: -1})
	b.api.Fail(faulty.Fault{Path: "/api/v1/roles*", Status: 403, Times: -1})
	a := b.audit(t, `{}`)
	if strings.Count(a.Summary, "unknown") != 2 || len(a.Unknown) != 2 || a.has("high creator_gone Migration") || a.has("high creator_suspended Dana laptop") {
		t.Errorf("got %s and %v", a.Summary, a.list())
	}
	// System roles are known by their names, custom ones are not.
	if !a.has("high could_administer Terraform") || !a.has("medium manages_project_members Dana laptop") || a.has("high could_administer Team onboarding") {
		t.Errorf("got %v", a.list())
	}
	r := b.call(t, t.Context(), "audit_api_keys", `{"created_by":"dana@meridian.example"}`)
	if !r.IsError || !strings.Contains(r.text(), "lacks a permission") || !strings.Contains(r.text(), "Pass the user ID instead") {
		t.Errorf("got %s", r.raw)
	}
	if a := b.audit(t, args("created_by", sandbox.UserIDOf("dana@meridian.example"))); a.Keys != 1 {
		t.Errorf("got %+v", a)
	}
}

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

// The number of requests of an audit grows with the pages of the list alone.
func TestAuditRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for i := range 120 {
			b.call(t, t.Context(), "create_api_key", fmt.Sprintf(`{"name":"n%d"}`, i))
		}
		before := len(b.api.Requests())
		b.call(t, t.Context(), "audit_api_keys", `{}`)
		if got := len(b.api.Requests()) - before; got != 6 { // 135 keys on three pages, members, roles, and the end of these
			t.Errorf("got %d requests, want 6", got)
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

// Every kind of finding, with its severity and its fix. The fix of a key that is not in use, or
// does not work, is simpler.
func TestAuditKinds(t *testing.T) {
	revoke := `revoke_api_key {"api_key_id":"00000000-0000-4000-8000-000000000001","confirm_name":"k1"}`
	replace := `replace_api_key {"api_key_id":"00000000-0000-4000-8000-000000000001","expires_at":"2000-03-31T00:00:00Z"}`
	idle, gone, suspended := map[string]any{"last_used_at": date(-91)}, map[string]any{"created_by": nobody}, map[string]any{"created_by": sandbox.UserIDOf("dana@meridian.example")}
	for _, tt := range []struct {
		name      string
		key       []map[string]any
		want      []string // severity and kind of every finding
		why, fix  []string // parts of those of the first
		arguments string
	}{
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
	} {
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

// Within a severity: power, use, exposure, nearness of expiry, then the name. Each key differs
// from the one before in one of them.
func TestAuditOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		names := []string{
			"owner", "administrator", "project administrator", "changes", "role unknown", "gone and forever", "gone", "suspended",
			"use unknown", "unused, sooner", "unused, later", "unused, later 2",
		}
		gone := map[string]any{"created_by": nobody}
		var keys []map[string]any
		for i, changes := range [][]map[string]any{
			{gone, withRole("owner")},
			{gone, withRole("admin")},
			{gone, withProjectRole("operator", "staging")},
			{gone, withRole("billing")},
			{gone, {"role_id": nobody, "role_slug": "x"}, {"expires_at": date(201)}},
			{gone, withRole("member"), {"expires_at": nil}},
			{gone},
			{{"created_by": sandbox.UserIDOf("dana@meridian.example")}, {"expires_at": date(100)}},
			{gone, {"last_used_at": "?"}, {"expires_at": nil}},
			{gone, {"last_used_at": date(-100), "expires_at": date(100)}},
			{gone, {"last_used_at": date(-100)}},
			{gone, {"last_used_at": date(-100)}},
		} {
			all := map[string]any{"name": names[i]}
			for _, change := range changes {
				maps.Copy(all, change)
			}
			keys = append(keys, fakeKey(99-i, all))
		}
		slices.Reverse(keys)
		b.serveKeys(t, keys...)
		var got []string
		for _, f := range b.audit(t, `{}`).Findings {
			if strings.HasPrefix(f.Kind, "creator_") {
				got = append(got, f.Name)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("got %q, want %q", got, names)
		}
	})
}

// The order does not depend on that of Raff's list, which is not documented: otherwise pages
// would not fit together.
func TestAuditOrderIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys []map[string]any
		for i := range 20 {
			keys = append(keys, fakeKey(i, map[string]any{"name": "same", "expires_at": nil}))
		}
		order := func() (all []string) {
			b := newBench(t)
			b.serveKeys(t, keys...)
			for _, f := range b.audit(t, `{}`).Findings {
				all = append(all, f.ID+" "+f.Kind)
			}
			return all
		}
		first := order()
		slices.Reverse(keys)
		if second := order(); len(first) != 40 || !slices.Equal(first, second) {
			t.Errorf("got %v, then %v", first, second)
		}
	})
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

// Pages contain every finding exactly once, in order, and stay below the size at which clients
// cut off a result. The summary says how to continue.
func TestAuditPages(t *testing.T) {
	for _, tt := range []struct {
		name, part            string
		times, keys, findings int
		full                  bool // pages have 50 findings
	}{
		{"long names", "n", 125, 200, 934, true},
		{"names that make long findings", `世"`, 62, 50, 234, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				var keys []map[string]any
				for i := range tt.keys {
					changes := map[string]any{"name": strings.Repeat(tt.part, tt.times) + fmt.Sprintf("%03d", i/2), "created_by": nobody, "expires_at": nil, "last_used_at": nil}
					maps.Copy(changes, withRole([]string{"owner", "admin", "member"}[i%3]))
					keys = append(keys, fakeKey(i, changes))
				}
				b.serveKeys(t, keys...)
				seen, arguments := map[string]bool{}, `{"unused_days":100}`
				var order []string
				for page := 0; arguments != ""; page++ {
					a := b.audit(t, arguments)
					if a.size >= 50_000 || a.Total != tt.findings || a.Keys != tt.keys {
						t.Fatalf("page %d: %d bytes, %d findings of %d keys", page, a.size, a.Total, a.Keys)
					}
					if n := len(a.Findings); n > 50 || n == 0 || tt.full && n != 50 && a.NextOffset != 0 {
						t.Errorf("page %d: %d findings", page, n)
					}
					for _, f := range a.Findings {
						seen[f.ID+f.Kind] = true
						order = append(order, f.Severity)
					}
					arguments = ""
					if _, next, ok := strings.Cut(a.Summary, "continue with audit_api_keys "); ok {
						arguments, _, _ = strings.Cut(next, "}")
						arguments += "}"
					}
					if want := fmt.Sprintf(`{"unused_days":100,"offset":%d}`, a.NextOffset); (a.NextOffset != 0) != (arguments != "") || arguments != "" && arguments != want {
						t.Fatalf("page %d: got %q, want %s", page, a.Summary, want)
					}
				}
				if len(seen) != tt.findings || len(order) != tt.findings || !slices.IsSortedFunc(order, func(x, y string) int {
					return strings.Index("high medium low", x) - strings.Index("high medium low", y)
				}) {
					t.Errorf("got %d different of %d findings: %v", len(seen), len(order), order)
				}
				if a := b.audit(t, `{"offset":1000}`); len(a.Findings) != 0 || a.Total != tt.findings || !strings.Contains(a.Summary, "None is left from offset 1000 on") {
					t.Errorf("got %+v", a)
				}
				if a := b.audit(t, `{"limit":3,"offset":4}`); len(a.Findings) != 3 || a.NextOffset != 7 {
					t.Errorf("got %d findings, next %d", len(a.Findings), a.NextOffset)
				}
			})
		})
	}
}

// An audit can be limited to a key, or to what a person created.
func TestAuditOfSome(t *testing.T) {
	b := newBench(t)
	migration, farid := sandbox.KeyID("migration"), sandbox.UserIDOf("farid@meridian.example")
	for _, tt := range []struct {
		arguments, want string
		keys            int
	}{
		{args("api_key_id", migration), "high creator_gone Migration", 1},
		{args("api_key_id", strings.ToUpper(migration)), "high creator_gone Migration", 1},
		{args("created_by", farid), "high creator_gone Migration", 1},
		{args("created_by", strings.ToUpper(farid)), "high creator_gone Migration", 1},
		{args("created_by", "Dana@Meridian.example"), "high creator_suspended Dana laptop", 1},
		{args("created_by", "chen@meridian.example"), "low duplicate_name CI", 2}, // whose namesake is another's
		{args("created_by", nobody), "", 0},
		{args("created_by", farid, "api_key_id", sandbox.KeyID("grafana")), "", 0},
		{args("api_key_id", sandbox.KeyID("production-deploy")), "", 1},
	} {
		a := b.audit(t, tt.arguments)
		if a.Keys != tt.keys || tt.want != "" && !a.has(tt.want) || tt.want == "" && (a.Total != 0 || !strings.Contains(a.Summary, "No findings")) {
			t.Errorf("%s: got %q and %q, want %d keys and %q", tt.arguments, a.Summary, a.list(), tt.keys, tt.want)
		}
		if want := fmt.Sprintf("Looked at %d of the 15 API keys", tt.keys); !strings.Contains(a.Summary, want) {
			t.Errorf("%s: got %q, want it to say %q", tt.arguments, a.Summary, want)
		}
	}
	for arguments, want := range map[string]string{
		args("api_key_id", nobody):                   "no API key with the ID " + nobody + ". Check the ID with list_api_keys",
		args("created_by", "farid@meridian.example"): "Pass the user ID instead",
		args("created_by", "eva@contractor.example"): "no member with the e-mail address", // invited, so without keys
		`{"limit":51}`:        "'limit'",
		`{"api_key_id":"CI"}`: "'api_key_id'",
	} {
		if r := b.call(t, t.Context(), "audit_api_keys", arguments); !r.IsError || !strings.Contains(r.text(), want) {
			t.Errorf("%s: got %s, want it to say %q", arguments, r.raw, want)
		}
	}
}
