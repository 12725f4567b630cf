package sandbox_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

func TestKeysRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for name, key := range map[string]string{
			"missing":    "",
			"malformed":  "raff_pub_xxx",
			"upper case": strings.ToUpper(s.api.OwnerKey()),
			"unknown":    "raff_" + strings.Repeat("0", 64),
		} {
			a := s.do(key, "GET", "/api/v1/api-keys", "")
			if a.status != http.StatusUnauthorized || a.fields["error"] != "Unauthorized" || a.fields["message"] == "" {
				t.Errorf("%s key: %d %s, want 401 with error and message", name, a.status, a.text)
			}
		}
	})
}

func TestExpiry(t *testing.T) {
	s := inProcess(t)
	c := newClock(s.api)
	id, secret := s.newKey(`{"name": "a", "expires_at": "` + c.Add(time.Hour).Format(time.RFC3339Nano) + `"}`)
	c.pass(time.Hour - 1)
	wantStatus(t, s.do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
	c.pass(1)
	wantStatus(t, s.do(secret, "GET", "/api/v1/permissions", ""), http.StatusUnauthorized)
	if got := s.owner("GET", "/api/v1/api-keys", "").names(t); got != "Owner a" {
		t.Errorf("keys %q, want the expired one listed", got)
	}
	wantStatus(t, s.owner("PATCH", "/api/v1/api-keys/"+id, `{"expires_at": "2999-01-01T00:00:00Z"}`), http.StatusOK)
	wantStatus(t, s.do(secret, "GET", "/api/v1/permissions", ""), http.StatusOK)
}

func TestLastUse(t *testing.T) {
	s := inProcess(t)
	c := newClock(s.api)
	id, secret := s.newKey(`{"name": "a"}`)
	used := func() any { return s.owner("GET", "/api/v1/api-keys/"+id, "").data(t)["last_used_at"] }
	if got := used(); got != nil {
		t.Errorf("last use %v before any", got)
	}
	s.do(secret, "GET", "/api/v1/permissions", "")
	c.pass(time.Minute)
	s.do(secret, "GET", "/api/v1/permissions", "")
	if got, want := used(), "2026-10-09T08:08:06Z"; got != want {
		t.Errorf("last use %v, want %s", got, want)
	}
}

func TestPermissionsOfRoles(t *testing.T) {
	s := inProcess(t)
	id, _ := s.newKey(`{"name": "Subject"}`)
	path := "/api/v1/api-keys/" + id
	for _, op := range []struct {
		method, path, body string
		allowed            string
	}{
		{"GET", "/api/v1/api-keys", "", "owner admin"},
		{"POST", "/api/v1/api-keys", `{"name": "Another"}`, "owner admin"},
		{"GET", path, "", "owner admin"},
		{"PATCH", path, `{"name": "Subject"}`, "owner admin"},
		{"POST", path + "/regenerate", "", "owner admin"},
		{"DELETE", "/api/v1/api-keys/" + unknownID, "", "owner"},
		{"GET", "/api/v1/roles", "", "owner admin"},
		{"POST", "/api/v1/roles", `{}`, "owner admin"},
		{"GET", "/api/v1/roles/" + unknownID, "", "owner admin"},
		{"PATCH", "/api/v1/roles/" + unknownID, `{}`, "owner admin"},
		{"DELETE", "/api/v1/roles/" + unknownID, "", "owner"},
		{"GET", "/api/v1/permissions", "", "owner admin billing member none"},
	} {
		for _, role := range []string{"owner", "admin", "billing", "member", "none"} {
			a := s.do(s.keyOf(role), op.method, op.path, op.body)
			want := slices.Contains(strings.Fields(op.allowed), role)
			if got := a.status != http.StatusForbidden; got != want {
				t.Errorf("role %s, %s %s: %d, allowed should be %t", role, op.method, op.path, a.status, want)
			}
			if !want && (a.fields["error"] != "Forbidden" || a.fields["message"] == "") {
				t.Errorf("role %s, %s %s: body %s", role, op.method, op.path, a.text)
			}
		}
	}
}

func TestProjectIDOnDemand(t *testing.T) {
	s := inProcess(t)
	s.api.RequireProjectID(true)
	wantStatus(t, s.owner("GET", "/api/v1/api-keys", ""), http.StatusOK)
	a := s.owner("POST", "/api/v1/api-keys", `{"name": "a"}`)
	wantStatus(t, a, http.StatusBadRequest)
	if want := `{"error":"Bad Request","message":"X-Project-ID required"}`; a.text != want {
		t.Errorf("body %s, want %s", a.text, want)
	}
	req := s.request(s.api.OwnerKey(), "POST", "/api/v1/api-keys", `{"name": "a"}`)
	req.Header.Set("X-Project-ID", unknownID)
	a, err := s.try(req)
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, a, http.StatusCreated)
}

func TestOwnerKeysDiffer(t *testing.T) {
	one, other := sandbox.New(), sandbox.New()
	if one.OwnerKey() == other.OwnerKey() {
		t.Error("two sandboxes have the same owner's key")
	}
}
