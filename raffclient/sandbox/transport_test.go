package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestTransportAcceptsAnyHost(t *testing.T) {
	s := inProcess(t)
	for _, base := range []string{"https://api.rafftechnologies.com", "http://127.0.0.1:1", "https://x.invalid"} {
		s.Base = base
		sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/roles", ""), http.StatusOK)
	}
}

func TestTransportRefusesAnEndedContext(t *testing.T) {
	s := inProcess(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.API.Transport().RoundTrip(s.Request(s.API.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", sandboxtest.CreateBody).WithContext(ctx))
	if !errors.Is(err, context.Canceled) || s.Created() != 0 {
		t.Errorf("error %v and %d keys, want a cancelled request without effect", err, s.Created())
	}
}

// closer records whether a body was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error {
	c.closed = true
	return nil
}

func TestTransportClosesTheBody(t *testing.T) {
	broken := errors.New("broken")
	s := inProcess(t)
	for path, reader := range map[string]io.Reader{
		"/health": strings.NewReader("x"),
		"/broken": iotest.ErrReader(broken),
	} {
		body := &closer{Reader: reader}
		req := s.Request("", "POST", path, "")
		req.Body = body
		resp, err := s.API.Transport().RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		if !body.closed {
			t.Errorf("%s: body left open", path)
		}
		if path == "/broken" && !errors.Is(err, broken) {
			t.Errorf("error %v, want that of the body", err)
		}
	}
}

// TestConcurrency uses everything concurrently, for the race detector.
func TestConcurrency(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		var all sync.WaitGroup
		for range 15 { // four requests each, which is within the rate limit
			all.Go(func() {
				a, err := s.Create()
				if err != nil || a.Status != http.StatusCreated {
					t.Errorf("create: %d %v", a.Status, err)
					return
				}
				path := "/api/v1/api-keys/" + a.Fields["data"].(map[string]any)["id"].(string)
				for _, req := range []*http.Request{
					s.Request(s.API.OwnerKey().Reveal(), "PATCH", path, `{"name": "y"}`),
					s.Request(s.API.OwnerKey().Reveal(), "GET", "/api/v1/api-keys", ""),
					s.Request(s.API.OwnerKey().Reveal(), "DELETE", path, ""),
				} {
					if a, err := s.Try(req); err != nil || a.Status != http.StatusOK {
						t.Errorf("%s: %d %v", req.Method, a.Status, err)
					}
				}
				s.API.Keys()
				s.API.RateLimited()
			})
		}
		all.Wait()
		if got := s.Created(); got != 15 {
			t.Errorf("%d keys created, want 15", got)
		}
	})
}
