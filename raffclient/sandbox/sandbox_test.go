package sandbox_test

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

// session is a session with helpers for these tests.
type session struct {
	sandboxtest.Session[*sandbox.API]
}

// inProcess returns a session without a socket, of a new account.
func inProcess(t *testing.T) session {
	return session{sandboxtest.InProcess(t, sandbox.NewEmpty())}
}

// seeded returns a session without a socket, of an account that has been in use.
func seeded(t *testing.T) session {
	return session{sandboxtest.InProcess(t, sandbox.New())}
}

// onSocket returns a session with a server, of a new account.
func onSocket(t *testing.T) session {
	return session{sandboxtest.OnSocket(t, sandbox.NewEmpty())}
}

// onBoth runs a test in process and over a socket.
func onBoth(t *testing.T, test func(t *testing.T, s session)) {
	t.Run("transport", func(t *testing.T) { test(t, inProcess(t)) })
	t.Run("server", func(t *testing.T) { test(t, onSocket(t)) })
}

// mustCreate sends a POST, which must succeed, and returns the ID of the new resource.
func (s session) mustCreate(path, body string) string {
	s.T.Helper()
	a := s.Owner("POST", path, body)
	if a.Status != http.StatusCreated {
		s.T.Fatalf("POST %s %s: %d %s", path, body, a.Status, a.Text)
	}
	return a.Data(s.T)["id"].(string)
}

// keyOf returns the secret of a new key with that role, or without one for "none".
func (s session) keyOf(role string) string {
	s.T.Helper()
	body := `{"name": "Key"}`
	if role != "none" {
		body = `{"name": "Key", "role_id": "` + sandbox.RoleID(role) + `"}`
	}
	_, secret := s.NewKey(body)
	return secret
}

// keyIn returns the secret of a new key whose only role is that one in a seeded project.
func (s session) keyIn(project, role string) string {
	s.T.Helper()
	id, secret := s.NewKey(`{"name": "Key"}`)
	s.mustCreate(inProject(project), grant("api_key_id", id, role))
	return secret
}

// refusal is a request of the owner that must be refused.
type refusal struct {
	name, method, path, body string
	status                   int
}

// wantRefused checks that requests are refused and change nothing.
func (s session) wantRefused(table []refusal) {
	s.T.Helper()
	for _, tt := range table {
		s.T.Run(tt.name, func(t *testing.T) {
			before := s.state()
			a := s.Owner(tt.method, tt.path, tt.body)
			sandboxtest.WantStatus(t, a, tt.status)
			if a.Fields["error"] != http.StatusText(tt.status) || a.Fields["message"] == "" {
				t.Errorf("body %s", a.Text)
			}
			if after := s.state(); !reflect.DeepEqual(after, before) {
				t.Errorf("changed anyway: %v\nbefore: %v", after, before)
			}
		})
	}
}

// state returns the whole state of the API.
func (s session) state() []any {
	state := []any{withoutUse(s.API.Keys()), s.API.Roles(), s.API.Projects(), s.API.Members()}
	for _, p := range s.API.Projects() {
		state = append(state, s.API.ProjectMembers(p.ID))
	}
	return state
}
