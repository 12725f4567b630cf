package raffclient_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// responding returns a client of an API that responds to everything with body.
func responding(t *testing.T, status int, body string) *raffclient.Client {
	t.Helper()
	return newClient(t, raffclient.Config{
		APIKey:    raffclient.NewSecret("raff_x"),
		Transport: roundTripper(func(*http.Request) (*http.Response, error) { return jsonResponse(status, body), nil }),
	})
}

// A total of the wrong type, or one that cannot be, does not end a list.
func TestTotalIsNotTheEnd(t *testing.T) {
	for _, total := range []any{"120", 120.0, "120.0", map[string]any{}, []int{120}, nil, true, "", "many", 0, -1, 1, 50, "50", 50.5, 1e300} {
		t.Run(fmt.Sprint(total), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAccount(t)
				createMany(t.Context(), t, a.client, 119)
				a.api.Fail(listing(faulty.Fault{Set: map[string]any{"total": total}}))
				n := 0
				for _, err := range a.client.APIKeys(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					n++
				}
				if n != 120 {
					t.Errorf("got %d keys, want 120", n)
				}
				// A creation that was lost is found on the last page.
				a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
				_, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "the lost one"})
				if lost := lookedUp(t, err); len(lost.Found) != 1 || lost.Found[0].Name != "the lost one" {
					t.Errorf("got %+v, want the lost key", lost)
				}
			})
		})
	}
}

// A total that is the length of a short page does not prove that nothing was made.
func TestTotalOfAShortPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t, withShortPages)
		createMany(t.Context(), t, a.client, 45)
		a.api.Fail(listing(faulty.Fault{Set: map[string]any{"total": 20}}))
		a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
		_, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "the lost one"})
		if lost := lookedUp(t, err); len(lost.Found) != 1 || lost.Found[0].Name != "the lost one" {
			t.Errorf("got %+v, want the lost key", lost)
		}
	})
}

// A list that ignores offset is whole if all of it arrived.
func TestListThatIgnoresOffset(t *testing.T) {
	objects := func(n int) string {
		var items []string
		for i := range n {
			items = append(items, fmt.Sprintf(`{"id":"%d"}`, i))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	for _, tt := range []struct {
		name, body string
		want       int
		err        error
	}{
		{"short, no total", `{"success":true,"data":` + objects(7) + `}`, 7, nil},
		{"short, right total", `{"success":true,"data":` + objects(7) + `,"total":7}`, 7, nil},
		{"short, higher total", `{"success":true,"data":` + objects(7) + `,"total":8}`, 7, raffclient.ErrListIncomplete},
		{"short, lower total", `{"success":true,"data":` + objects(7) + `,"total":3}`, 7, nil},
		{"as long as was asked for", `{"success":true,"data":` + objects(50) + `}`, 50, raffclient.ErrListIncomplete},
		{"as long as was asked for, right total", `{"success":true,"data":` + objects(50) + `,"total":50}`, 50, nil},
		{"longer than was asked for", `{"success":true,"data":` + objects(64) + `}`, 64, nil},
		{"bare array", objects(7), 7, nil},
		{"bare array, empty", "[]", 0, nil},
		{"bare array of something else", "[1]", 0, raffclient.ErrBadResponse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := responding(t, 200, tt.body)
				for what, got := range map[string]func() (int, error){
					"roles":           func() (int, error) { return count(c.Roles(t.Context(), "")) },
					"keys":            func() (int, error) { return count(c.APIKeys(t.Context())) },
					"members":         func() (int, error) { return count(c.Members(t.Context(), "active")) },
					"project members": func() (int, error) { return count(c.ProjectMembers(t.Context(), "1", "")) },
					"projects":        func() (int, error) { return count(c.Projects(t.Context())) },
				} {
					if n, err := got(); n != tt.want || !errors.Is(err, tt.err) {
						t.Errorf("%s: got %d, %v; want %d, %v", what, n, err, tt.want, tt.err)
					}
				}
			})
		})
	}
}

func count[T any](list iter.Seq2[T, error]) (n int, err error) {
	for _, err := range list {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// What the API sent in another form than documented is unknown, and said to be.
func TestUnknownIsNotZero(t *testing.T) {
	truth := true
	for _, tt := range []struct {
		field, value string
		want         func(raffclient.APIKey) bool
	}{
		{"is_active", `"true"`, func(k raffclient.APIKey) bool { return k.Active == nil }},
		{"is_active", `1`, func(k raffclient.APIKey) bool { return k.Active == nil }},
		{"is_active", `{}`, func(k raffclient.APIKey) bool { return k.Active == nil }},
		{"project_accesses", `"none"`, func(k raffclient.APIKey) bool { return k.ProjectAccesses == nil }},
		{"project_accesses", `[{"project_id":5}]`, func(k raffclient.APIKey) bool { return k.ProjectAccesses == nil }},
		{"role_id", `7`, func(k raffclient.APIKey) bool { return k.RoleID == "" }},
		{"name", `["a"]`, func(k raffclient.APIKey) bool { return k.Name == "" }},
	} {
		c := responding(t, 200, fmt.Sprintf(`{"success":true,"data":{"id":"1","%s":%s}}`, tt.field, tt.value))
		key, err := c.GetAPIKey(t.Context(), "1")
		if err != nil || !tt.want(key) || key.ID != "1" || !slices.Equal(key.Unreadable, []string{tt.field}) {
			t.Errorf("%s %s: got %+v, %v", tt.field, tt.value, key, err)
		}
	}
	key, err := responding(t, 200, `{"data":{"id":"1","is_active":true,"is_ACTIVE":null}}`).GetAPIKey(t.Context(), "1")
	if err != nil || key.Unreadable != nil || key.Active != nil && *key.Active != truth {
		t.Errorf("got %+v, %v", key, err)
	}
}

func TestTimestamp(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  raffclient.Timestamp
		known bool
	}{
		{`"2027-01-31T00:00:00Z"`, "2027-01-31T00:00:00Z", true},
		{`"2027-01-31T00:00:00.5+02:00"`, "2027-01-31T00:00:00.5+02:00", true},
		{`null`, "", false},
		{`""`, "unknown", false},
		{`0`, "unknown", false},
		{`1735689600`, "unknown", false},
		{`{"a":1}`, "unknown", false},
		{`true`, "unknown", false},
		{`"0001-01-01T00:00:00Z"`, "unknown", false},
		{`"2027-01-31"`, "2027-01-31", false},
		{`"soon"`, "soon", false},
	} {
		key, err := responding(t, 200, `{"data":{"id":"1","expires_at":`+tt.value+`}}`).GetAPIKey(t.Context(), "1")
		if _, known := key.ExpiresAt.Time(); err != nil || key.ExpiresAt != tt.want || known != tt.known {
			t.Errorf("%s: got %q, known %t, %v; want %q, known %t", tt.value, key.ExpiresAt, known, err, tt.want, tt.known)
		}
	}
}

// A response that describes another object than was asked for is an error: what
// follows would be done to that.
func TestAnotherObjectIsAnError(t *testing.T) {
	c := responding(t, 200, `{"success":true,"data":{"id":"22222222-0000-4000-8000-000000000000","name":"x"}}`)
	const id = "11111111-0000-4000-8000-000000000000"
	for name, call := range map[string]func(context.Context) error{
		"GetAPIKey": func(ctx context.Context) error { _, err := c.GetAPIKey(ctx, id); return err },
		"UpdateAPIKey": func(ctx context.Context) error {
			_, err := c.UpdateAPIKey(ctx, id, raffclient.UpdateAPIKeyRequest{Name: "x"})
			return err
		},
		"GetRole": func(ctx context.Context) error { _, err := c.GetRole(ctx, id); return err },
		"UpdateRole": func(ctx context.Context) error {
			_, err := c.UpdateRole(ctx, id, raffclient.UpdateRoleRequest{Name: "x"})
			return err
		},
		"GetProject": func(ctx context.Context) error { _, err := c.GetProject(ctx, id); return err },
		"UpdateProject": func(ctx context.Context) error {
			_, err := c.UpdateProject(ctx, id, raffclient.UpdateProjectRequest{Name: "x"})
			return err
		},
		"GetMember": func(ctx context.Context) error { _, err := c.GetMember(ctx, id); return err },
		"UpdateMember": func(ctx context.Context) error {
			_, err := c.UpdateMember(ctx, id, raffclient.UpdateMemberRequest{Status: "active"})
			return err
		},
		"GetProjectMember": func(ctx context.Context) error { _, err := c.GetProjectMember(ctx, "p", id); return err },
		"UpdateProjectMember": func(ctx context.Context) error {
			_, err := c.UpdateProjectMember(ctx, "p", id, raffclient.UpdateMemberRequest{Status: "active"})
			return err
		},
	} {
		if err := call(t.Context()); !errors.Is(err, raffclient.ErrBadResponse) {
			t.Errorf("%s: got %v, want ErrBadResponse", name, err)
		}
	}
	if _, err := responding(t, 200, `{"data":{"id":"`+strings.ToUpper("aaaaaaaa-0000-4000-8000-000000000000")+`"}}`).GetAPIKey(t.Context(), "aaaaaaaa-0000-4000-8000-000000000000"); err != nil {
		t.Errorf("in upper case: %v", err)
	}
}

// A deletion needs no body to have succeeded.
func TestDeletionWithoutBody(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		ok     bool
	}{
		{204, "", true},
		{200, "", true},
		{200, " \n", true},
		{202, `{"success":true}`, true},
		{200, `{"success":true,"data":"revoked"}`, true},
		{200, `{"success":true,"data":[]}`, true},
		{200, `{"success":false,"message":"no"}`, false},
		{200, `<html>sign in</html>`, false},
	} {
		c := responding(t, tt.status, tt.body)
		for name, err := range map[string]error{
			"RevokeAPIKey":        c.RevokeAPIKey(t.Context(), raffclient.APIKey{ID: "1"}),
			"DeleteRole":          c.DeleteRole(t.Context(), "1"),
			"DeleteProject":       c.DeleteProject(t.Context(), "1"),
			"RemoveMember":        c.RemoveMember(t.Context(), "1"),
			"RemoveProjectMember": c.RemoveProjectMember(t.Context(), "1", "2"),
			"CancelInvitation":    c.CancelInvitation(t.Context(), "1"),
		} {
			if (err == nil) != tt.ok {
				t.Errorf("%s, %d %q: got %v", name, tt.status, tt.body, err)
			}
		}
	}
}

// "success": false is no success, whatever else the response contains, except that
// a secret is never thrown away.
func TestSuccessFalseIsNoSuccess(t *testing.T) {
	for _, op := range creating {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, raffclient.Config{
				APIKey: raffclient.NewSecret("raff_x"),
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.Method == "POST" {
						return jsonResponse(201, `{"success":false,"message":"no","data":{"id":"1","name":"ci","email":"a@example.com"}}`), nil
					}
					return jsonResponse(200, `{"success":true,"data":[],"total":0}`), nil
				}),
			})
			if err := op.call(t.Context(), c); !errors.Is(err, raffclient.ErrOutcomeUnknown) {
				t.Errorf("%s: got %v, want ErrOutcomeUnknown", op.name, err)
			}
		})
	}
}

// A 404 for a request that names nothing says that the address is wrong.
func TestNotFoundWithoutID(t *testing.T) {
	c := responding(t, 404, `404 page not found`)
	_, keys := count(c.APIKeys(t.Context()))
	_, created := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
	permissions := all(c.Permissions(t.Context(), ""))
	for name, err := range map[string]error{"APIKeys": keys, "CreateAPIKey": created, "Permissions": permissions} {
		if !errors.Is(err, raffclient.ErrNoEndpoint) || !errors.Is(err, raffclient.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNoEndpoint", name, err)
		}
	}
	_, withRole := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci", RoleID: "1"})
	_, key := c.GetAPIKey(t.Context(), "1")
	_, members := count(c.ProjectMembers(t.Context(), "1", ""))
	for name, err := range map[string]error{"CreateAPIKey with a role": withRole, "GetAPIKey": key, "ProjectMembers": members} {
		if errors.Is(err, raffclient.ErrNoEndpoint) || !errors.Is(err, raffclient.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound alone", name, err)
		}
	}
}

// A lost creation is found, whatever name the API keeps and whatever its clock
// says.
func TestLostCreationIsFoundUnderAnotherName(t *testing.T) {
	for _, tt := range []struct{ asked, kept string }{
		{"Cafe\u0301 deploy", "Café deploy"},
		{"R&D <ci>", "R&amp;D &lt;ci&gt;"},
		{"R&D 'ci'", "R&amp;amp;D &amp;#39;ci&amp;#39;"},
		{strings.Repeat("Nightly backup of ", 5), strings.Repeat("Nightly backup of ", 5)[:64]},
		{strings.Repeat("R&D ", 30), strings.Repeat("R&amp;D ", 30)[:61]},
		{"🚀 Deploy", "Deploy"},
		{"Pro\u200bduction\u2060 CI", "Production CI"},
		{"Production CI (EU)", "production-ci-eu"},
		{"naïve façade", "naive-facade"},
		{"🔑", ""},
	} {
		for _, skew := range []time.Duration{0, -5 * time.Minute, -14 * time.Hour, 14 * time.Hour} {
			t.Run(fmt.Sprint(tt.kept, skew), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := newAccount(t)
					a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
					created := time.Now().Add(skew).UTC().Format(time.RFC3339)
					a.api.Fail(listing(faulty.Fault{Set: map[string]any{"name": tt.kept, "created_at": created}}))
					_, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: tt.asked})
					lost := lookedUp(t, err)
					if lost.LookupErr != nil || !slices.ContainsFunc(lost.Found, func(m raffclient.Candidate) bool { return m.ID == a.made()[0].ID }) {
						t.Errorf("got %+v, want the key", lost)
					}
				})
			})
		}
	}
}

// A new key that no call accounts for is a candidate, whatever its name. A key that
// another call made, or reported, is not.
func TestUnexplainedKeyIsACandidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		if _, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "explained"}); err != nil {
			t.Fatal(err)
		}
		a.api.Fail(create(faulty.Fault{Cut: true, After: true}))
		_, err := a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "reported"})
		if lost := lookedUp(t, err); len(lost.Found) != 1 || !lost.Found[0].Recent {
			t.Fatalf("got %+v, want the reported key", lost)
		}
		other, err := newAccountOf(t, a.api).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ключ"})
		if err != nil {
			t.Fatal(err)
		}
		a.api.Fail(create(faulty.Fault{Cut: true}))
		_, err = a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "klyuch"})
		if lost := lookedUp(t, err); lost.LookupErr != nil || len(lost.Found) != 1 || lost.Found[0].ID != other.ID || lost.Found[0].Recent {
			t.Errorf("got %+v, want the unexplained key, in doubt", lost)
		}
	})
}

// A request that was answered 429 although it had its effect is not sent again.
func TestRateLimitedAfterTheEffect(t *testing.T) {
	for _, op := range []string{"create", "regenerate"} {
		synctest.Test(t, func(t *testing.T) {
			a := newAccount(t)
			key, err := a.create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before := a.posts()
			a.api.Fail(faulty.Fault{Method: "POST", Status: 429, After: true})
			if op == "create" {
				_, err = a.client.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "limited"})
			} else {
				_, err = a.client.RegenerateAPIKey(t.Context(), key.APIKey)
			}
			if sent := a.posts() - before; sent != 1 {
				t.Errorf("%s: sent %d times", op, sent)
			}
			if lost := lookedUp(t, err); lost.LookupErr != nil || len(lost.Found) == 0 {
				t.Errorf("%s: got %+v, want what was made", op, lost)
			}
		})
	}
}

// A request that is refused for the rate limit is not sent for ever.
func TestRateLimitedCreationEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		a.api.Fail(create(faulty.Fault{Status: 429, Times: -1, Header: http.Header{"Retry-After": {"1"}}}))
		_, err := a.create(t.Context())
		if !errors.Is(err, raffclient.ErrRateLimited) || errors.Is(err, raffclient.ErrOutcomeUnknown) || a.posts() != 6 {
			t.Errorf("got %v after %d requests, want ErrRateLimited after 6", err, a.posts())
		}
	})
}

// The number of attempts, and the pauses between them.
func TestAttempts(t *testing.T) {
	total := map[time.Duration]bool{}
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := newClient(t, raffclient.Config{
				APIKey:    raffclient.NewSecret("raff_x"),
				Transport: roundTripper(func(*http.Request) (*http.Response, error) { n++; return jsonResponse(503, "{}"), nil }),
			})
			start := time.Now()
			if _, err := c.GetAPIKey(t.Context(), "1"); !errors.Is(err, raffclient.ErrUnavailable) || n != 4 {
				t.Errorf("got %v after %d attempts, want ErrUnavailable after 4", err, n)
			}
			took := time.Since(start)
			if took < 7*time.Second || took > 7*time.Second*5/4 {
				t.Errorf("took %v, want 7 s and up to a quarter more", took)
			}
			total[took] = true
		})
	}
	if len(total) < 2 {
		t.Error("clients that failed together return together")
	}
}

// Of a response, no more than MaxResponseBytes bytes are read.
func TestMaxResponseBytes(t *testing.T) {
	for _, size := range []int{100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			body := `{"data":{"id":"1","name":"` + strings.Repeat("x", size) + `"}}`
			c := newClient(t, raffclient.Config{
				APIKey: raffclient.NewSecret("raff_x"), MaxResponseBytes: 500,
				Transport: roundTripper(func(*http.Request) (*http.Response, error) { return jsonResponse(200, body), nil }),
			})
			if _, err := c.GetAPIKey(t.Context(), "1"); (err == nil) != (size < 500) {
				t.Errorf("%d bytes: got %v", len(body), err)
			} else if err != nil && !strings.Contains(err.Error(), "too long") {
				t.Errorf("%d bytes: got %v, want an error about its length", len(body), err)
			}
		})
	}
}

// A response with a status of success that says that there was none is an error, in
// whatever way it says so.
func TestUnsuccessfulResponses(t *testing.T) {
	for body, ok := range map[string]bool{
		`{"success":false}`:                        false,
		`{"success":"false"}`:                      false,
		`{"success":"False","message":"no"}`:       false,
		`{"success":0}`:                            false,
		`{"error":"Forbidden","message":"no"}`:     false,
		`{"success":null,"error":{"message":1}}`:   false,
		`{"errors":["no"]}`:                        false,
		`{"success":true,"error":"Forbidden"}`:     false,
		`{"success":true}`:                         true,
		`{"success":"true","error":""}`:            true,
		`{"success":1,"error":null,"errors":[]}`:   true,
		`{"message":"API key revoked"}`:            true,
		`{"success":true,"data":{"error":"none"}}`: true,
	} {
		c := responding(t, 200, body)
		if err := c.RevokeAPIKey(t.Context(), raffclient.APIKey{ID: "1"}); (err == nil) != ok {
			t.Errorf("%s: RevokeAPIKey: got %v", body, err)
		}
		_, err := c.UpdateAPIKey(t.Context(), "1", raffclient.UpdateAPIKeyRequest{Name: "x"})
		e, _ := errors.AsType[*raffclient.Error](err)
		if (err == nil) != ok || !ok && !(errors.Is(err, raffclient.ErrBadResponse) && e.MayHaveSucceeded()) {
			t.Errorf("%s: UpdateAPIKey: got %v", body, err)
		}
	}
}
