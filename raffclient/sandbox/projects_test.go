package sandbox_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestCreateProject(t *testing.T) {
	s := inProcess(t)
	sandboxtest.NewClock(s.API)
	a := s.Owner("POST", "/api/v1/projects", `{"name": "Web Shop (EU)", "description": "x", "default_region": "us-east"}`)
	sandboxtest.WantStatus(t, a, http.StatusCreated)
	got := a.Data(t)
	want := map[string]any{
		"id":             got["id"],
		"account_id":     sandbox.AccountID,
		"name":           "Web Shop (EU)",
		"slug":           "web-shop-eu",
		"description":    "x",
		"default_region": "us-east",
		"is_default":     false,
		"is_active":      true,
		"created_by":     sandbox.UserID,
		"created_at":     "2026-10-09T08:07:06Z",
		"updated_at":     "2026-10-09T08:07:06Z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if read := s.Owner("GET", "/api/v1/projects/"+got["id"].(string), "").Data(t); !reflect.DeepEqual(read, want) {
		t.Errorf("read back %v\nwant %v", read, want)
	}
}

func TestProjectsRefused(t *testing.T) {
	s := seeded(t)
	staging := "/api/v1/projects/" + sandbox.ProjectID("staging")
	unknown := "/api/v1/projects/" + unknownID
	create := func(name, body string) refusal { return refusal{name, "POST", "/api/v1/projects", body, 400} }
	update := func(name, body string) refusal { return refusal{name, "PUT", staging, body, 400} }
	s.wantRefused([]refusal{
		create("no body", ``),
		create("no name", `{}`),
		create("empty name", `{"name": ""}`),
		create("long name", `{"name": "`+strings.Repeat("ü", 65)+`"}`),
		create("name taken", `{"name": "Production"}`),
		create("unknown region", `{"name": "a", "default_region": "eu-west"}`),
		update("no object", `[]`),
		update("change to empty name", `{"name": ""}`),
		update("change to a taken name", `{"name": "Production"}`),
		update("change to an unknown region", `{"default_region": ""}`),
		{"no PATCH", "PATCH", staging, `{"name": "a"}`, 405},
		{"get an unknown project", "GET", unknown, ``, 404},
		{"update an unknown project", "PUT", unknown, `{"name": "a"}`, 404},
		{"delete an unknown project", "DELETE", unknown, ``, 404},
		{"an ID that is none", "GET", "/api/v1/projects/staging", ``, 404},
		{"delete the default project", "DELETE", "/api/v1/projects/" + sandbox.ProjectID("default"), ``, 409},
		{"delete a project with resources", "DELETE", "/api/v1/projects/" + sandbox.ProjectID("production"), ``, 409},
	})
}

func TestUpdateProject(t *testing.T) {
	s := inProcess(t)
	c := sandboxtest.NewClock(s.API)
	path := "/api/v1/projects/" + s.mustCreate("/api/v1/projects", `{"name": "Old", "description": "x"}`)
	c.Pass(time.Hour)
	a := s.Owner("PUT", path, `{"name": "New", "description": ""}`)
	sandboxtest.WantStatus(t, a, http.StatusOK)
	for field, want := range map[string]any{
		"name": "New", "slug": "old", "description": nil,
		"created_at": "2026-10-09T08:07:06Z", "updated_at": "2026-10-09T09:07:06Z",
	} {
		if got := a.Data(t)[field]; got != want {
			t.Errorf("%s is %v, want %v", field, got, want)
		}
	}
	sandboxtest.WantStatus(t, s.Owner("PUT", path, `{}`), http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("PUT", path, `{"name": "New"}`), http.StatusOK)
	sandboxtest.WantStatus(t, s.Owner("PUT", "/api/v1/projects/"+sandbox.ProjectID("default"), `{"name": "Main"}`), http.StatusOK)

	again := s.Owner("POST", "/api/v1/projects", `{"name": "Old"}`).Data(t)
	if got := again["slug"]; got != "old-2" {
		t.Errorf("slug %v, want old-2 beside old, which a project of another name has", got)
	}
}

func TestDeleteProject(t *testing.T) {
	s := seeded(t)
	id := sandbox.ProjectID("staging")
	a := s.Owner("DELETE", "/api/v1/projects/"+id, "")
	sandboxtest.WantStatus(t, a, http.StatusOK)
	if a.Fields["success"] != true || a.Fields["message"] == nil || len(a.Fields) != 2 {
		t.Errorf("body %s", a.Text)
	}
	sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/projects/"+id, ""), http.StatusNotFound)
	sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/projects/"+id+"/members", ""), http.StatusNotFound)
	sandboxtest.WantStatus(t, s.Owner("DELETE", "/api/v1/invitations/"+sandbox.InvitationID("hugo@contractor.example"), ""), http.StatusNotFound)
	key := s.Owner("GET", "/api/v1/api-keys/"+sandbox.KeyID("ci"), "").Data(t)
	if got := key["project_accesses"]; len(got.([]any)) != 0 {
		t.Errorf("a key still has access: %v", got)
	}
	if got := s.API.ProjectMembers(id); len(got) != 0 {
		t.Errorf("members are left: %v", got)
	}
	s.mustCreate("/api/v1/projects", `{"name": "Staging"}`) // the name is free again
}

func TestListProjects(t *testing.T) {
	s := inProcess(t)
	for i := range 24 {
		s.mustCreate("/api/v1/projects", fmt.Sprintf(`{"name": "p%d"}`, i))
	}
	for query, want := range map[string]int{"": 20, "?offset=20": 5, "?limit=100": 25} {
		a := s.Owner("GET", "/api/v1/projects"+query, "")
		if got := len(a.List(t)); got != want || a.Fields["total"] != 25.0 {
			t.Errorf("%q: %d projects of %v, want %d of 25", query, got, a.Fields["total"], want)
		}
	}
	if got := s.Owner("GET", "/api/v1/projects?limit=2", "").Names(t); got != "Default p0" {
		t.Errorf("projects %q, want the oldest first", got)
	}
}
