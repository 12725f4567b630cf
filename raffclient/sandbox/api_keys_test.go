package sandbox_test

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

const unknownID = "00000000-0000-4000-8000-000000000000"

func TestCreateAPIKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		sandboxtest.NewClock(s.API)
		a := s.Owner("POST", "/api/v1/api-keys", `{"name": "CI", "rate_limit_tier": "high",
			"expires_at": "2027-01-01T01:00:00+01:00", "role_id": "`+sandbox.RoleID("admin")+`"}`)
		sandboxtest.WantStatus(t, a, http.StatusCreated)
		got := a.Data(t)
		secret := got["secret"].(string)
		if !regexp.MustCompile(`^raff_[0-9a-f]{64}$`).MatchString(secret) {
			t.Errorf("secret has the wrong form: %q", secret)
		}
		want := map[string]any{
			"id":               got["id"],
			"account_id":       sandbox.AccountID,
			"name":             "CI",
			"key_prefix":       secret[:13],
			"scope":            "public",
			"rate_limit_tier":  "high",
			"expires_at":       "2027-01-01T00:00:00Z",
			"is_active":        true,
			"role_id":          sandbox.RoleID("admin"),
			"role_name":        "Admin",
			"role_slug":        "admin",
			"project_accesses": []any{},
			"created_by":       sandbox.UserID,
			"created_at":       "2026-10-09T08:07:06Z",
			"secret":           secret,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		if a.Fields["success"] != true || len(a.Fields) != 2 {
			t.Errorf("envelope %s", a.Text)
		}

		read := s.Owner("GET", "/api/v1/api-keys/"+got["id"].(string), "").Data(t)
		delete(want, "secret")
		if !reflect.DeepEqual(read, want) {
			t.Errorf("read back %v\nwant %v", read, want)
		}
	})
}

func TestCreateAPIKeyWithNameOnly(t *testing.T) {
	s := inProcess(t)
	got := s.Owner("POST", "/api/v1/api-keys", `{"name": "`+strings.Repeat("ü", 128)+`", "role_id": null, "other": 1}`).Data(t)
	for _, absent := range []string{"expires_at", "last_used_at", "role_id", "role_name", "role_slug"} {
		if v, ok := got[absent]; ok {
			t.Errorf("%s is %v, want it absent", absent, v)
		}
	}
	if got["rate_limit_tier"] != "standard" {
		t.Errorf("tier %v, want standard", got["rate_limit_tier"])
	}
}

func TestBodiesRefused(t *testing.T) {
	s := inProcess(t)
	id, _ := s.NewKey(`{"name": "Key"}`)
	create := []string{"POST", "/api/v1/api-keys"}
	update := []string{"PATCH", "/api/v1/api-keys/" + id}
	for _, tt := range []struct {
		name string
		to   []string
		body string
	}{
		{"no body", create, ``},
		{"no object", create, `[]`},
		{"null", create, `null`},
		{"not JSON", create, `{"name": "a"`},
		{"two values", create, `{"name": "a"}{}`},
		{"no name", create, `{}`},
		{"empty name", create, `{"name": ""}`},
		{"long name", create, `{"name": "` + strings.Repeat("ü", 129) + `"}`},
		{"name of another type", create, `{"name": 5}`},
		{"unknown tier", create, `{"name": "a", "rate_limit_tier": "unlimited"}`},
		{"no time", create, `{"name": "a", "expires_at": "tomorrow"}`},
		{"no time zone", create, `{"name": "a", "expires_at": "2999-01-01T00:00:00"}`},
		{"time in the past", create, `{"name": "a", "expires_at": "1999-01-01T00:00:00Z"}`},
		{"time beyond RFC 3339", create, `{"name": "a", "expires_at": "9999-12-31T23:59:59-01:00"}`},
		{"role without form", create, `{"name": "a", "role_id": "admin"}`},
		{"empty role", create, `{"name": "a", "role_id": ""}`},
		{"unknown role", create, `{"name": "a", "role_id": "` + unknownID + `"}`},
		{"project role", create, `{"name": "a", "role_id": "` + sandbox.RoleID("operator") + `"}`},
		{"too large", create, `{"name": "a", "other": "` + strings.Repeat("x", 1<<20) + `"}`},
		{"nothing to change", update, `{}`},
		{"null to change", update, `{"expires_at": null}`},
		{"role cannot change", update, `{"role_id": "` + sandbox.RoleID("admin") + `"}`},
		{"change to empty name", update, `{"name": ""}`},
		{"change to unknown tier", update, `{"rate_limit_tier": ""}`},
		{"change to the past", update, `{"expires_at": "1999-01-01T00:00:00Z"}`},
		{"active of another type", update, `{"is_active": "yes"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := s.API.Keys()
			a := s.Owner(tt.to[0], tt.to[1], tt.body)
			sandboxtest.WantStatus(t, a, http.StatusBadRequest)
			if a.Fields["error"] != "Bad Request" || a.Fields["message"] == "" {
				t.Errorf("body %s", a.Text)
			}
			if after := s.API.Keys(); !reflect.DeepEqual(withoutUse(after), withoutUse(before)) {
				t.Errorf("changed anyway: %v", after)
			}
		})
	}
}

func withoutUse(keys []sandbox.Key) []sandbox.Key {
	for i := range keys {
		keys[i].UsedAt = time.Time{}
	}
	return keys
}

func TestContentTypeIsAsked(t *testing.T) {
	s := inProcess(t)
	req := s.Request(s.API.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", `{"name": "a"}`)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := s.Try(req)
	if err != nil {
		t.Fatal(err)
	}
	sandboxtest.WantStatus(t, a, http.StatusBadRequest)
}

func TestListAPIKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for i := range 3 {
			s.NewKey(fmt.Sprintf(`{"name": "k%d"}`, i))
		}
		for _, tt := range []struct {
			query, names string
		}{
			{"", "Owner k0 k1 k2"},
			{"?scope=public", "Owner k0 k1 k2"},
			{"?limit=2", "Owner k0"},
			{"?limit=2&offset=2", "k1 k2"},
			{"?limit=2&offset=3", "k2"},
			{"?offset=9", ""},
		} {
			a := s.Owner("GET", "/api/v1/api-keys"+tt.query, "")
			sandboxtest.WantStatus(t, a, http.StatusOK)
			if got := a.Names(t); got != tt.names {
				t.Errorf("%q: keys %q, want %q", tt.query, got, tt.names)
			}
			if a.Fields["total"] != 4.0 {
				t.Errorf("%q: total %v, want 4", tt.query, a.Fields["total"])
			}
			if strings.Contains(a.Text, "secret") {
				t.Errorf("%q: a list with secrets: %s", tt.query, a.Text)
			}
		}
		for _, query := range []string{"?limit=0", "?limit=-1", "?limit=x", "?offset=-1", "?scope=private"} {
			sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/api-keys"+query, ""), http.StatusBadRequest)
		}
	})
}

func TestListHasFiftyByDefault(t *testing.T) {
	s := inProcess(t)
	for range 55 {
		s.NewKey(`{"name": "a"}`)
	}
	a := s.Owner("GET", "/api/v1/api-keys", "")
	if got := len(a.List(t)); got != 50 || a.Fields["total"] != 56.0 {
		t.Errorf("%d keys of %v, want 50 of 56", got, a.Fields["total"])
	}
}

func TestUpdateAPIKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		id, secret := s.NewKey(`{"name": "a", "role_id": "` + sandbox.RoleID("admin") + `"}`)
		path := "/api/v1/api-keys/" + strings.ToUpper(id)
		a := s.Owner("PATCH", path, `{"name": "b", "rate_limit_tier": "high", "expires_at": "2999-01-01T00:00:00Z", "is_active": false}`)
		sandboxtest.WantStatus(t, a, http.StatusOK)
		for field, want := range map[string]any{
			"id": id, "name": "b", "rate_limit_tier": "high", "expires_at": "2999-01-01T00:00:00Z",
			"is_active": false, "role_slug": "admin", "secret": nil,
		} {
			if got := a.Data(t)[field]; got != want {
				t.Errorf("%s is %v, want %v", field, got, want)
			}
		}
		sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusUnauthorized)
		sandboxtest.WantStatus(t, s.Owner("PATCH", path, `{"is_active": true}`), http.StatusOK)
		sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
	})
}

func TestRegenerateAPIKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		id, old := s.NewKey(`{"name": "a", "expires_at": "2999-01-01T00:00:00Z", "role_id": "` + sandbox.RoleID("admin") + `"}`)
		sandboxtest.WantStatus(t, s.Do(old, "GET", "/api/v1/permissions", ""), http.StatusOK)
		before := s.Owner("GET", "/api/v1/api-keys/"+id, "").Data(t)
		if before["last_used_at"] == nil {
			t.Error("no last_used_at after use")
		}

		a := s.Owner("POST", "/api/v1/api-keys/"+id+"/regenerate", "")
		sandboxtest.WantStatus(t, a, http.StatusOK)
		secret := a.Data(t)["secret"].(string)
		if secret == old {
			t.Error("the secret has stayed")
		}
		want := before
		delete(want, "last_used_at")
		want["secret"], want["key_prefix"] = secret, secret[:13]
		if got := a.Data(t); !reflect.DeepEqual(got, want) {
			t.Errorf("got  %v\nwant %v", got, want)
		}
		sandboxtest.WantStatus(t, s.Do(old, "GET", "/api/v1/permissions", ""), http.StatusUnauthorized)
		sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
	})
}

func TestRevokeAPIKey(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		id, secret := s.NewKey(`{"name": "a"}`)
		path := "/api/v1/api-keys/" + id
		a := s.Owner("DELETE", path, "")
		sandboxtest.WantStatus(t, a, http.StatusOK)
		if a.Fields["success"] != true || a.Fields["message"] == nil || len(a.Fields) != 2 {
			t.Errorf("body %s", a.Text)
		}
		sandboxtest.WantStatus(t, s.Do(secret, "GET", "/api/v1/permissions", ""), http.StatusUnauthorized)
		sandboxtest.WantStatus(t, s.Owner("GET", path, ""), http.StatusNotFound)
		sandboxtest.WantStatus(t, s.Owner("PATCH", path, `{"name": "b"}`), http.StatusNotFound)
		sandboxtest.WantStatus(t, s.Owner("DELETE", path, ""), http.StatusNotFound)
		sandboxtest.WantStatus(t, s.Owner("POST", path+"/regenerate", ""), http.StatusNotFound)
		if got := s.Owner("GET", "/api/v1/api-keys", "").Names(t); got != "Owner" {
			t.Errorf("keys %q, want Owner alone", got)
		}
		keys := s.API.Keys()
		if got := keys[len(keys)-1]; got.ID != id || !got.Revoked {
			t.Errorf("Keys returns %+v, want the key revoked", got)
		}
	})
}

func TestUnknownIDs(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		id := strings.ReplaceAll(s.API.Keys()[0].ID, "-", "")
		for _, element := range []string{unknownID, "x", "%2e%2e", "..%2Froles", id, "urn:uuid:" + unknownID} {
			sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/api-keys/"+element, ""), http.StatusNotFound)
		}
	})
}
