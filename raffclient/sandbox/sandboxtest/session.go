// Package sandboxtest is an HTTP client for the tests of the sandbox, with and without
// faults. It knows the paths and bodies of the API, and none of the types of raffclient.
package sandboxtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// API is what a Session needs of a sandbox.
type API interface {
	http.Handler
	Transport() http.RoundTripper
	OwnerKey() raffclient.Secret
	Keys() []sandbox.Key
	SetClock(now func() time.Time)
}

// CreateBody is the body of a request that creates a key.
const CreateBody = `{"name": "New"}`

// Session talks to a sandbox as a program does: by HTTP.
type Session[A API] struct {
	T      *testing.T
	API    A
	Client *http.Client
	Base   string // the URL of the API
}

// InProcess returns a session without a socket.
func InProcess[A API](t *testing.T, api A) Session[A] {
	return Session[A]{t, api, &http.Client{Transport: api.Transport()}, "https://api.example"}
}

// OnSocket returns a session with a server.
func OnSocket[A API](t *testing.T, api A) Session[A] {
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return Session[A]{t, api, server.Client(), server.URL}
}

// Request returns a request with that key, or without one if it is empty.
func (s Session[A]) Request(key, method, path, body string) *http.Request {
	s.T.Helper()
	req, err := http.NewRequestWithContext(s.T.Context(), method, s.Base+path, strings.NewReader(body))
	if err != nil {
		s.T.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-API-Key", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

// Try sends a request and reads the whole response.
func (s Session[A]) Try(req *http.Request) (Response, error) {
	resp, err := s.Client.Do(req)
	if err != nil {
		return Response{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	a := Response{Status: resp.StatusCode, Header: resp.Header, Text: string(text)}
	if err == nil && strings.HasPrefix(a.Text, "{") {
		err = json.Unmarshal(text, &a.Fields)
	}
	return a, err
}

// Do sends a request, which must get a response.
func (s Session[A]) Do(key, method, path, body string) Response {
	s.T.Helper()
	a, err := s.Try(s.Request(key, method, path, body))
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Owner sends a request with the key of the account's owner.
func (s Session[A]) Owner(method, path, body string) Response {
	s.T.Helper()
	return s.Do(s.API.OwnerKey().Reveal(), method, path, body)
}

// NewKey creates a key and returns its ID and secret.
func (s Session[A]) NewKey(body string) (id, secret string) {
	s.T.Helper()
	a := s.Owner("POST", "/api/v1/api-keys", body)
	if a.Status != http.StatusCreated {
		s.T.Fatalf("create %s: %d %s", body, a.Status, a.Text)
	}
	return a.Data(s.T)["id"].(string), a.Data(s.T)["secret"].(string)
}

// Create sends a POST that creates a key, which no HTTP client repeats by itself.
func (s Session[A]) Create() (Response, error) {
	s.T.Helper()
	return s.Try(s.Request(s.API.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", CreateBody))
}

// Created returns how many keys Create has made in a new account.
func (s Session[A]) Created() int { return len(s.API.Keys()) - 1 }

// Clock is a manual clock.
type Clock struct{ time.Time }

// NewClock returns a clock that the sandbox uses from now on.
func NewClock(api API) *Clock {
	c := &Clock{time.Date(2026, 10, 9, 8, 7, 6, 500_000_000, time.UTC)}
	api.SetClock(c.Now)
	return c
}

// Now returns the time.
func (c *Clock) Now() time.Time { return c.Time }

// Pass lets time pass.
func (c *Clock) Pass(d time.Duration) { c.Time = c.Add(d) }
