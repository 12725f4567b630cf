package faulty_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
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
	s.API.Fail(faulty.Fault{Refuse: true, Path: "/refused"})
	for path, reader := range map[string]io.Reader{
		"/health":  strings.NewReader("x"),
		"/refused": strings.NewReader("x"),
		"/broken":  iotest.ErrReader(broken),
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

func TestTransportTraces(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		want  []string
	}{
		{"served", faulty.Fault{}, []string{"connected", "header", "request", "response"}},
		{"cut", faulty.Fault{Cut: true}, []string{"connected", "header", "request"}},
		{"refused", faulty.Fault{Refuse: true}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := inProcess(t)
			s.API.Fail(tt.fault)
			var got []string
			trace := &httptrace.ClientTrace{
				GotConn:              func(httptrace.GotConnInfo) { got = append(got, "connected") },
				WroteHeaders:         func() { got = append(got, "header") },
				WroteRequest:         func(httptrace.WroteRequestInfo) { got = append(got, "request") },
				GotFirstResponseByte: func() { got = append(got, "response") },
			}
			_, _ = s.Try(s.Request("", "GET", "/health", "").WithContext(httptrace.WithClientTrace(t.Context(), trace)))
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("traced %v, want %v", got, tt.want)
			}
		})
	}
}

// TestConcurrency uses everything concurrently, for the race detector.
func TestConcurrency(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		s.API.Record(true)
		var all sync.WaitGroup
		for range 15 { // four requests each, which is within the rate limit
			all.Go(func() {
				s.API.Fail(faulty.Fault{Method: "PATCH", Set: map[string]any{"name": "x"}})
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
				s.API.Requests()
				s.API.RateLimited()
			})
		}
		all.Wait()
		if got := len(s.API.Requests()); got != 60 {
			t.Errorf("%d requests recorded, want 60", got)
		}
	})
}
