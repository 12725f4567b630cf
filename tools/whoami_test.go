package tools_test

import (
	"encoding/json"
	"fmt"
	"net/http"
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

// identity is the structured result of whoami.
type identity struct {
	Summary       string
	Sandbox       bool
	KeySource     string `json:"key_source"`
	KeyPrefix     string `json:"key_prefix"`
	APIKeyID      string `json:"api_key_id"`
	AccountID     string `json:"account_id"`
	Name          string `json:"name"`
	RoleName      string `json:"role_name"`
	RateLimitTier string `json:"rate_limit_tier"`
	ExpiresAt     string `json:"expires_at"`
	DaysLeft      *int   `json:"days_left"`
	Missing       []struct {
		Permission string
		Tools      []string
	} `json:"missing_permissions"`
	Projects []struct {
		ProjectName string   `json:"project_name"`
		RoleName    string   `json:"role_name"`
		Missing     []string `json:"missing_permissions"`
	}
	Unknown []string
}

// lacks returns the names of the tools that lack a permission.
func (i identity) lacks() (names []string) {
	for _, m := range i.Missing {
		names = append(names, m.Tools...)
	}
	return names
}

func whoami(t *testing.T, b *bench) identity {
	t.Helper()
	r := b.call(t, t.Context(), "whoami", "")
	if r.IsError {
		t.Fatalf("got %s", r.raw)
	}
	conforms(t, "whoami", r)
	var got identity
	if err := json.Unmarshal(r.StructuredContent, &got); err != nil {
		t.Fatal(err)
	}
	if got.Summary != r.text() {
		t.Errorf("the text is %q, the summary %q", r.text(), got.Summary)
	}
	searchForKeys(t, string(r.raw))
	return got
}

// keyFor makes a key with that account role and, in Production, that project role, "" for
// none, and returns a bench whose server runs with it.
func keyFor(t *testing.T, role, projectRole string, expires *time.Time, change ...func(*raffclient.Config, *tools.Config)) (*bench, raffclient.APIKeyWithSecret) {
	t.Helper()
	api := faulty.Wrap(sandbox.New())
	owner, err := raffclient.New(raffclient.Config{APIKey: api.OwnerKey(), BaseURL: "http://localhost", Transport: api.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	key, err := owner.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "Assistant", RoleID: sandbox.RoleID(role), ExpiresAt: expires})
	if err != nil {
		t.Fatal(err)
	}
	if projectRole != "" {
		request := raffclient.AddProjectMemberRequest{APIKeyID: key.ID, RoleID: sandbox.RoleID(projectRole)}
		if _, err := owner.AddProjectMember(t.Context(), sandbox.ProjectID("production"), request); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(t, append(change, func(c *raffclient.Config, _ *tools.Config) {
		c.APIKey, c.Transport = key.Secret, api.Transport()
	})...)
	b.api = api
	return b, key
}

func TestWhoami(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		expires := time.Now().Add(100*24*time.Hour + time.Hour).UTC().Truncate(time.Second)
		b, key := keyFor(t, "admin", "viewer", &expires, func(_ *raffclient.Config, c *tools.Config) { c.KeySource = keyFrom("RAFF_API_KEY_FILE") })
		got := whoami(t, b)
		if got.Sandbox || got.KeySource != "RAFF_API_KEY_FILE" || got.KeyPrefix != key.KeyPrefix || got.APIKeyID != key.ID || got.Name != "Assistant" ||
			got.AccountID != sandbox.AccountID || got.RoleName != "Admin" || got.RateLimitTier != "standard" || got.ExpiresAt != expires.Format(time.RFC3339) || got.DaysLeft == nil || *got.DaysLeft != 100 {
			t.Errorf("got %+v", got)
		}
		want := []string{"revoke_api_key", "delete_role", "delete_project", "remove_member", "add_project_member", "update_project_member", "remove_project_member"}
		if !slices.Equal(got.lacks(), want) {
			t.Errorf("got %v, want %v", got.lacks(), want)
		}
		if len(got.Projects) != 1 || got.Projects[0].ProjectName != "Production" || got.Projects[0].RoleName != "Viewer" || !slices.Equal(got.Projects[0].Missing, []string{"project.members.manage"}) {
			t.Errorf("got %+v", got.Projects)
		}
		for _, text := range []string{`"Assistant"`, key.KeyPrefix, "RAFF_API_KEY_FILE", `"Admin"`, `"standard"`, "100 days are left", "revoke_api_key (account.apikeys.revoke)"} {
			if !strings.Contains(got.Summary, text) {
				t.Errorf("got %q, want it to contain %s", got.Summary, text)
			}
		}
		if len(got.Unknown) > 0 || strings.Contains(got.Summary, "successor") {
			t.Errorf("got %+v", got)
		}
	})
}

// Without a role that can be read, what the key may do is said to be unknown.
func TestWhoamiRoles(t *testing.T) {
	for _, tt := range []struct {
		name, role, projectRole string
		fault                   *faulty.Fault
		lacks                   string // one of the tools that lack a permission
		permitted               string // one of those that do not
		says                    string
	}{
		{"owner", "owner", "", nil, "", "remove_project_member", "The role Owner may use all tools"},
		{"owner, roles unread", "owner", "", &faulty.Fault{Path: "/api/v1/roles", Status: 500, Times: -1}, "", "remove_project_member", "The role Owner may use all tools"},
		{"project role only", "", "project-admin", nil, "", "remove_project_member", "What a key without an account role may do"},
		{"roles unread", "admin", "operator", &faulty.Fault{Path: "/api/v1/roles", Status: 403}, "", "revoke_api_key", `What the role "Admin" allows in the account is unknown: the server's API key lacks a permission`},
		{"projects unread", "admin", "viewer", &faulty.Fault{Path: "/api/v1/api-keys", Set: map[string]any{"project_accesses": "all"}, Times: -1}, "revoke_api_key", "remove_project_member", "Which projects the key has access to is unknown"},
		{"a custom role with the slug of Owner", "key-administrator", "", &faulty.Fault{Path: "/api/v1/api-keys", Set: map[string]any{"role_slug": "owner"}, Times: -1}, "list_project_members", "revoke_api_key", "These tools lack a permission"},
		{"account role", "key-administrator", "", nil, "list_project_members", "revoke_api_key", "These tools lack a permission"},
		{"role of all permissions but in no project", "admin", "project-admin", nil, "revoke_api_key", "remove_project_member", "It has roles in projects too"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, key := keyFor(t, tt.role, tt.projectRole, nil)
				if tt.role == "" { // which may not list itself
					b.api.Fail(faulty.Fault{Path: "/api/v1/api-keys", Status: 200, Body: fmt.Sprintf(`{"success":true,"total":1,"data":[%s]}`, described(t, key, tt.projectRole))})
					b.api.Fail(faulty.Fault{Path: "/api/v1/roles", Status: 200, Body: `{"success":true,"data":[]}`, Times: -1})
				}
				if tt.fault != nil {
					b.api.Fail(*tt.fault)
				}
				got := whoami(t, b)
				if tt.lacks == "" && len(got.Missing) > 0 || tt.lacks != "" && !slices.Contains(got.lacks(), tt.lacks) {
					t.Errorf("got %+v, want %q to lack a permission", got.Missing, tt.lacks)
				}
				if slices.Contains(got.lacks(), tt.permitted) {
					t.Errorf("got %+v, want nothing about %s", got.Missing, tt.permitted)
				}
				if !strings.Contains(got.Summary, tt.says) {
					t.Errorf("got %q, want it to say %q", got.Summary, tt.says)
				}
			})
		})
	}
}

// described returns a key as the API would list it.
func described(t *testing.T, key raffclient.APIKeyWithSecret, projectRole string) string {
	t.Helper()
	k := key.APIKey
	k.ProjectAccesses = []raffclient.ProjectAccess{{ProjectID: sandbox.ProjectID("production"), ProjectName: "Production", RoleID: sandbox.RoleID(projectRole)}}
	return mustJSON(t, k)
}

func TestWhoamiOfSelectedTools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, change := range []func(*raffclient.Config, *tools.Config){
			func(_ *raffclient.Config, c *tools.Config) { c.ReadOnly = true },
			func(_ *raffclient.Config, c *tools.Config) { c.Toolsets = []string{"roles"} },
		} {
			b, _ := keyFor(t, "key-administrator", "", nil, change)
			got := whoami(t, b)
			list := string(b.request(t, t.Context(), "tools/list", map[string]any{}))
			if !strings.Contains(got.Summary, "--read-only") && !strings.Contains(got.Summary, "--toolsets=roles") {
				t.Errorf("got %q, want it to name the setting", got.Summary)
			}
			if len(got.Missing) == 0 || !strings.Contains(list, `"whoami"`) {
				t.Errorf("got %+v and %s", got, list)
			}
			for _, name := range got.lacks() {
				if !strings.Contains(list, `"name":"`+name+`"`) {
					t.Errorf("%s is not offered", name)
				}
			}
		}
	})
}

// If nothing can be read, whoami says what is known, what is not, and why.
func TestWhoamiWithoutAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		want  []string
	}{
		{"may not list keys", faulty.Fault{Status: 403, Body: `{"error":"Forbidden","message":"not you"}`}, []string{"account.apikeys.view", `"not you"`, "Owner and Admin"}},
		{"rejected", faulty.Fault{Status: 401}, []string{"rejected", "RAFF_API_KEY", "restart"}},
		{"billing", faulty.Fault{Status: 402}, []string{"billing"}},
		{"refused", faulty.Fault{Status: 400, Body: `{"error":"Bad Request","message":"not like this"}`}, []string{"not like this"}},
		{"down", faulty.Fault{Status: 500, Times: -1}, []string{"API failed"}},
		{"limited", faulty.Fault{Status: 429, Times: -1, Header: http.Header{"Retry-After": {"600"}}}, []string{"rate limit"}},
		{"cut", faulty.Fault{Cut: true, Times: -1}, []string{"did not respond"}},
		{"not JSON", faulty.Fault{Status: 200, Body: "<html>"}, []string{"could not be used"}},
		{"masked prefixes", faulty.Fault{Method: "GET", Set: map[string]any{"key_prefix": "raff_…"}}, []string{"may be one of 15 keys"}},
		{"prefixes of others", faulty.Fault{Method: "GET", Set: map[string]any{"key_prefix": "raff_zzzzzzzz"}}, []string{"lists no key with its prefix"}},
		{"no keys", faulty.Fault{Status: 200, Body: `{"success":true,"data":[],"total":0}`}, []string{"lists no key with its prefix"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.KeySource = keyFrom("RAFF_API_KEY") })
				b.api.Fail(tt.fault)
				got := whoami(t, b)
				for _, text := range append(tt.want, "RAFF_API_KEY", got.KeyPrefix, "are unknown") {
					if !strings.Contains(got.Summary, text) {
						t.Errorf("got %q, want it to contain %q", got.Summary, text)
					}
				}
				if want := tt.fault.Status == 403; (len(got.Missing) > 0) != want || len(got.Unknown) != 1 || !raffclient.IsKeyPrefix(got.KeyPrefix) || got.APIKeyID != "" {
					t.Errorf("got %+v", got)
				}
			})
		})
	}
}

// whoami works without a usable key, and says what is wrong.
func TestWhoamiWithoutKey(t *testing.T) {
	b := newBench(t, withoutKey("No Raff API key is configured. Set RAFF_API_KEY."))
	if got := whoami(t, b); !strings.Contains(got.Summary, "no usable API key") || !strings.Contains(got.Summary, "Set RAFF_API_KEY.") {
		t.Errorf("got %q", got.Summary)
	}
	if r := b.call(t, t.Context(), "list_api_keys", ""); !r.IsError {
		t.Errorf("got %s", r.raw)
	}
}

// A key that expires soon can be replaced in time; one whose expiry is not a date is not
// said to last forever.
func TestWhoamiExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		soon := time.Now().Add(5*24*time.Hour + time.Hour)
		b, key := keyFor(t, "owner", "", &soon)
		if got := whoami(t, b); !strings.Contains(got.Summary, "5 days are left") || !strings.Contains(got.Summary, `replace_api_key {"api_key_id":"`+key.ID+`"}`) {
			t.Errorf("got %q", got.Summary)
		}
		b, _ = keyFor(t, "owner", "", &soon, func(_ *raffclient.Config, c *tools.Config) { c.ReadOnly = true })
		if got := whoami(t, b); strings.Contains(got.Summary, "replace_api_key") || !strings.Contains(got.Summary, "another key") {
			t.Errorf("got %q", got.Summary)
		}
		for _, value := range []any{"soon", 5, true} {
			b := newBench(t)
			b.api.Fail(faulty.Fault{Method: "GET", Set: map[string]any{"expires_at": value}})
			if got := whoami(t, b); got.DaysLeft != nil || strings.Contains(got.Summary, "never expires") || !strings.Contains(got.Summary, "expires is unknown") {
				t.Errorf("%v: got %q", value, got.Summary)
			}
		}
	})
}

// A short key has no prefix that could be shown without showing most of the key.
func TestWhoamiOfShortKey(t *testing.T) {
	b := newBench(t, func(c *raffclient.Config, _ *tools.Config) { c.APIKey = raffclient.NewSecret("raff_0123456789") })
	r := b.call(t, t.Context(), "whoami", "")
	if strings.Contains(string(r.raw), "raff_0") {
		t.Errorf("got %s", r.raw)
	}
}

func TestWhoamiInSandbox(t *testing.T) {
	b := newBench(t, func(_ *raffclient.Config, c *tools.Config) { c.Sandbox = true })
	if got := whoami(t, b); !got.Sandbox || !strings.Contains(got.Summary, "sandbox") || got.KeySource != "the sandbox" {
		t.Errorf("got %+v", got)
	}
}
