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
		args("created_by", "eva@contractor.example"): "No member of the account has the e-mail address", // invited, so without keys
		`{"limit":51}`:        "'limit'",
		`{"api_key_id":"CI"}`: "'api_key_id'",
	} {
		if r := b.call(t, t.Context(), "audit_api_keys", arguments); !r.IsError || !strings.Contains(r.text(), want) {
			t.Errorf("%s: got %s, want it to say %q", arguments, r.raw, want)
		}
	}
}
