package faulty_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// session talks to a sandbox as a program would: by HTTP.
type session struct {
	t      *testing.T
	api    *faulty.API
	client *http.Client
	base   string
}

// inProcess returns a session without a socket, of a new account.
func inProcess(t *testing.T) session { return of(t, faulty.Wrap(sandbox.NewEmpty())) }

// seeded returns a session without a socket, of an account that has been in use.
func seeded(t *testing.T) session { return of(t, faulty.Wrap(sandbox.New())) }

func of(t *testing.T, api *faulty.API) session {
	return session{t, api, &http.Client{Transport: api.Transport()}, "https://api.example"}
}

// onSocket returns a session with a server, of a new account.
func onSocket(t *testing.T) session {
	api := faulty.Wrap(sandbox.NewEmpty())
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return session{t, api, server.Client(), server.URL}
}

// onBoth runs a test in process and over a socket.
func onBoth(t *testing.T, test func(t *testing.T, s session)) {
	t.Run("transport", func(t *testing.T) { test(t, inProcess(t)) })
	t.Run("server", func(t *testing.T) { test(t, onSocket(t)) })
}

// response is a response with the decoded fields of its body.
type response struct {
	status int
	header http.Header
	text   string
	fields map[string]any
}

func (a response) data(t *testing.T) map[string]any {
	t.Helper()
	data, ok := a.fields["data"].(map[string]any)
	if !ok {
		t.Fatalf("data is not an object in %s", a.text)
	}
	return data
}

func (a response) list(t *testing.T) []any {
	t.Helper()
	list, ok := a.fields["data"].([]any)
	if !ok {
		t.Fatalf("data is not a list in %s", a.text)
	}
	return list
}

func (a response) names(t *testing.T) string {
	t.Helper()
	var names []string
	for _, element := range a.list(t) {
		names = append(names, element.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " ")
}

func (s session) request(key, method, path, body string) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-API-Key", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// do sends a request and reads the whole response.
func (s session) do(key, method, path, body string) response {
	s.t.Helper()
	a, err := s.try(s.request(key, method, path, body))
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (s session) try(req *http.Request) (response, error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a := response{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if err == nil && strings.HasPrefix(a.text, "{") {
		err = json.Unmarshal(text, &a.fields)
	}
	return a, err
}

func (s session) owner(method, path, body string) response {
	s.t.Helper()
	return s.do(s.api.OwnerKey().Reveal(), method, path, body)
}

// newKey creates a key and returns its ID and secret.
func (s session) newKey(body string) (id, secret string) {
	s.t.Helper()
	a := s.owner("POST", "/api/v1/api-keys", body)
	if a.status != http.StatusCreated {
		s.t.Fatalf("create %s: %d %s", body, a.status, a.text)
	}
	return a.data(s.t)["id"].(string), a.data(s.t)["secret"].(string)
}

const (
	createBody = `{"name": "New"}`
	unknownID  = "00000000-0000-4000-8000-000000000000"
)

// create sends a POST that creates a key, which no HTTP client repeats by itself.
func (s session) create() (response, error) {
	s.t.Helper()
	return s.try(s.request(s.api.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", createBody))
}

// created returns how many keys create has made.
func (s session) created() int { return len(s.api.Keys()) - 1 }

func wantStatus(t *testing.T, a response, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d; body %s", a.status, status, a.text)
	}
}

// clock is a manual clock.
type clock struct{ time.Time }

func (c *clock) now() time.Time { return c.Time }

func (c *clock) pass(d time.Duration) { c.Time = c.Add(d) }

func newClock(api *faulty.API) *clock {
	c := &clock{time.Date(2026, 10, 9, 8, 7, 6, 500_000_000, time.UTC)}
	api.SetClock(c.now)
	return c
}
