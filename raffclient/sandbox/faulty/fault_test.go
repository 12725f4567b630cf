package faulty_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestFaultsMatch(t *testing.T) {
	const bad = http.StatusBadGateway
	for _, tt := range []struct {
		name   string
		faults []faulty.Fault
		path   string
		want   []int
	}{
		{"one", []faulty.Fault{{Status: bad}}, "/health", []int{bad, 200, 200}},
		{"two", []faulty.Fault{{Status: bad, Times: 2}}, "/health", []int{bad, bad, 200}},
		{"all", []faulty.Fault{{Status: bad, Times: -1}}, "/health", []int{bad, bad, bad}},
		{"skip", []faulty.Fault{{Status: bad, Skip: 2}}, "/health", []int{200, 200, bad, 200}},
		{"in order", []faulty.Fault{{Status: 502}, {Status: 503}, {Status: 504}}, "/health", []int{502, 503, 504, 200}},
		{"skipped for the next", []faulty.Fault{{Status: 502, Skip: 1}, {Status: 503}}, "/health", []int{503, 502, 200}},
		{"method", []faulty.Fault{{Status: bad, Method: "GET"}}, "/health", []int{bad, 200}},
		{"other method", []faulty.Fault{{Status: bad, Method: "POST"}}, "/health", []int{200}},
		{"path", []faulty.Fault{{Status: bad, Path: "/health"}}, "/health", []int{bad, 200}},
		{"part of a path", []faulty.Fault{{Status: bad, Path: "/heal"}}, "/health", []int{200}},
		{"prefix", []faulty.Fault{{Status: bad, Path: "/heal*"}}, "/health", []int{bad, 200}},
		{"other prefix", []faulty.Fault{{Status: bad, Path: "/api/*"}}, "/health", []int{200}},
		{"before the key", []faulty.Fault{{Status: bad}}, "/api/v1/roles", []int{bad, 401}},
		{"after the key", []faulty.Fault{{Header: http.Header{"X-A": {"b"}}}}, "/api/v1/roles", []int{401}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := inProcess(t)
			for _, f := range tt.faults {
				s.API.Fail(f)
			}
			for i, want := range tt.want {
				if a := s.Do("", "GET", tt.path, ""); a.Status != want {
					t.Errorf("request %d: %d, want %d", i+1, a.Status, want)
				}
			}
		})
	}
}

func TestFaultsThatRespond(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   faulty.Fault
		status  int
		text    string
		header  http.Header
		created int
	}{
		{"status", faulty.Fault{Status: 500}, 500, "", nil, 0},
		{"status and body", faulty.Fault{Status: 500, Body: `{"error":"x"}`}, 500, `{"error":"x"}`, http.Header{"Content-Type": {"application/json"}}, 0},
		{"body", faulty.Fault{Body: `{}`}, 200, `{}`, nil, 0},
		{
			"header",
			faulty.Fault{Status: 503, Body: "<p>", Header: http.Header{"content-type": {"text/html"}, "Retry-After": {"7"}, "Date": {"then"}}},
			503, "<p>",
			http.Header{"Content-Type": {"text/html"}, "Retry-After": {"7"}, "Date": {"then"}},
			0,
		},
		{"after the effect", faulty.Fault{Status: 504, Body: "late", After: true}, 504, "late", nil, 1},
		{"redirect", faulty.Fault{Redirect: "https://other.example/x"}, 307, "", http.Header{"Location": {"https://other.example/x"}}, 0},
		{"redirect by status", faulty.Fault{Redirect: "/x", Status: 302}, 302, "", http.Header{"Location": {"/x"}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s session) {
				s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
				s.API.Fail(tt.fault)
				a, err := s.Create()
				if err != nil {
					t.Fatal(err)
				}
				if a.Status != tt.status || a.Text != tt.text {
					t.Errorf("%d %q, want %d %q", a.Status, a.Text, tt.status, tt.text)
				}
				for name := range tt.header {
					if got, want := a.Header.Get(name), tt.header.Get(name); got != want {
						t.Errorf("%s is %q, want %q", name, got, want)
					}
				}
				if got := s.Created(); got != tt.created {
					t.Errorf("%d keys created, want %d", got, tt.created)
				}
			})
		})
	}
}

func TestRedirectIsFollowedAnywhere(t *testing.T) {
	s := inProcess(t)
	s.API.Record(true)
	s.API.Fail(faulty.Fault{Redirect: "https://other.example/health"})
	sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/roles", ""), http.StatusOK)
	requests := s.API.Requests()
	if len(requests) != 2 || requests[1].Host != "other.example" || requests[1].Path != "/health" {
		t.Errorf("requests %+v, want a second one to the other host", requests)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   faulty.Fault
		created int
	}{
		{"before the effect", faulty.Fault{Cut: true}, 0},
		{"after the effect", faulty.Fault{Cut: true, After: true}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s session) {
				s.API.Fail(tt.fault)
				if a, err := s.Create(); err == nil {
					t.Errorf("responded with %d %s, want an error", a.Status, a.Text)
				}
				if got := s.Created(); got != tt.created {
					t.Errorf("%d keys created, want %d", got, tt.created)
				}
			})
		})
	}
}

func TestCutInProcessIsAReset(t *testing.T) {
	s := inProcess(t)
	s.API.Fail(faulty.Fault{Cut: true})
	if _, err := s.Create(); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error %v, want a reset", err)
	}
}

func TestCutBody(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for _, tt := range []struct{ cut, want int }{{30, 30}, {1, 1}, {-1, 0}} {
			before := s.Created()
			s.API.Fail(faulty.Fault{CutBody: tt.cut})
			resp, err := s.Client.Do(s.Request(s.API.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", sandboxtest.CreateBody))
			if err != nil {
				t.Fatalf("CutBody %d: no header: %v", tt.cut, err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != tt.want {
				t.Errorf("CutBody %d: %d bytes and error %v, want %d and an unexpected end", tt.cut, len(body), err, tt.want)
			}
			if resp.StatusCode != http.StatusCreated || resp.ContentLength < 300 {
				t.Errorf("CutBody %d: %d with %d bytes announced, want 201 with all", tt.cut, resp.StatusCode, resp.ContentLength)
			}
			if got := s.Created() - before; got != 1 {
				t.Errorf("CutBody %d: %d keys created, want 1", tt.cut, got)
			}
		}
		s.API.Fail(faulty.Fault{CutBody: 1 << 20})
		if _, err := s.Create(); err != nil {
			t.Errorf("cut beyond the end: %v", err)
		}
	})
}

func TestEndless(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		for _, tt := range []struct{ filler, want byte }{{0, ' '}, {'x', 'x'}} {
			s.API.Fail(faulty.Fault{Endless: true, Filler: tt.filler})
			ctx, cancel := context.WithCancel(t.Context())
			resp, err := s.Client.Do(s.Request("", "GET", "/health", "").WithContext(ctx))
			if err != nil {
				t.Fatal(err)
			}
			body := make([]byte, 1<<20)
			if _, err := io.ReadFull(resp.Body, body); err != nil {
				t.Fatal(err)
			}
			rest, found := strings.CutPrefix(string(body), `{"status":"healthy"}`)
			if !found || strings.Trim(rest, string(tt.want)) != "" || resp.ContentLength != -1 {
				t.Errorf("filler %q: %q... of %d", tt.filler, body[:40], resp.ContentLength)
			}
			cancel()
			if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, context.Canceled) {
				t.Errorf("after the context's end: %v, want that it was cancelled", err)
			}
			resp.Body.Close()
		}
	})
}

func TestEndlessStopsWhenClosed(t *testing.T) {
	s := inProcess(t)
	s.API.Fail(faulty.Fault{Endless: true})
	resp, err := s.Client.Do(s.Request("", "GET", "/health", ""))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("read after close: %v", err)
	}
}

func TestOmitAndSet(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		s.API.Fail(faulty.Fault{
			Method: "POST",
			Omit:   []string{"id", "success"},
			Set:    map[string]any{"is_active": "yes", "secret": 5, "surprise": map[string]any{"deep": true}, "message": "hm"},
		})
		a, err := s.Create()
		if err != nil {
			t.Fatal(err)
		}
		sandboxtest.WantStatus(t, a, http.StatusCreated)
		data := a.Data(t)
		if _, ok := data["id"]; ok || data["is_active"] != "yes" || data["secret"] != 5.0 || data["name"] != "New" {
			t.Errorf("data %v", data)
		}
		if surprise, _ := data["surprise"].(map[string]any); surprise["deep"] != true {
			t.Errorf("data %v, want the surprise", data)
		}
		if _, ok := a.Fields["success"]; ok || a.Fields["message"] != "hm" {
			t.Errorf("envelope %s", a.Text)
		}
	})
}

func TestOmitAndSetInLists(t *testing.T) {
	s := inProcess(t)
	s.NewKey(sandboxtest.CreateBody)
	s.API.Fail(faulty.Fault{Omit: []string{"total", "name"}, Set: map[string]any{"success": false, "id": nil}})
	a := s.Owner("GET", "/api/v1/api-keys", "")
	for _, element := range a.List(t) {
		key := element.(map[string]any)
		id, hasID := key["id"]
		if _, hasName := key["name"]; hasName || !hasID || id != nil {
			t.Errorf("key %v", key)
		}
	}
	if _, ok := a.Fields["total"]; ok || a.Fields["success"] != false || len(a.List(t)) != 2 {
		t.Errorf("envelope %s", a.Text)
	}

	s.API.Fail(faulty.Fault{Omit: []string{"data"}})
	if a := s.Owner("GET", "/api/v1/api-keys", ""); len(a.Fields) != 2 || a.Fields["total"] != 2.0 {
		t.Errorf("envelope %s, want no data", a.Text)
	}
	s.API.Fail(faulty.Fault{Omit: []string{"message"}, Set: map[string]any{"secret": 5}})
	if a := s.Do("", "GET", "/api/v1/api-keys", ""); a.Text != `{"error":"Unauthorized"}` {
		t.Errorf("error response %s, want only error", a.Text)
	}
}

func TestIgnoreOffset(t *testing.T) {
	s := inProcess(t)
	s.API.Record(true)
	s.NewKey(sandboxtest.CreateBody)
	s.API.Fail(faulty.Fault{IgnoreOffset: true, Path: "/api/v1/api-keys"})
	if got := s.Owner("GET", "/api/v1/api-keys?limit=1&offset=1", "").Names(t); got != "Owner" {
		t.Errorf("keys %q, want the first page", got)
	}
	if got := s.Owner("GET", "/api/v1/api-keys?limit=1&offset=1", "").Names(t); got != "New" {
		t.Errorf("keys %q, want the second page", got)
	}
	if got := s.API.Requests()[1].Query.Get("offset"); got != "1" {
		t.Errorf("recorded with offset %q, want what was sent", got)
	}
}

func TestRefuse(t *testing.T) {
	s := inProcess(t)
	s.API.Record(true)
	noHost := &net.DNSError{Err: "no such host", Name: "api.example", IsNotFound: true}
	s.API.Fail(faulty.Fault{Refuse: true})
	s.API.Fail(faulty.Fault{RefuseErr: noHost})

	_, err := s.Create()
	op, _ := errors.AsType[*net.OpError](err)
	if op == nil || op.Op != "dial" || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("error %v, want a refused dial", err)
	}
	if _, err := s.Create(); !errors.Is(err, noHost) {
		t.Errorf("error %v, want %v", err, noHost)
	}
	if n := len(s.API.Requests()); n != 0 || s.Created() != 0 {
		t.Errorf("%d requests arrived, %d keys created; want none", n, s.Created())
	}

	server := onSocket(t)
	server.API.Fail(faulty.Fault{Refuse: true})
	if _, err := server.Create(); err == nil || server.Created() != 0 {
		t.Errorf("server: error %v, %d keys; want an error and none", err, server.Created())
	}
}

func TestDelays(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fault   faulty.Fault
		timeout time.Duration
		took    time.Duration
		failed  bool
		created int
	}{
		{"before", faulty.Fault{Delay: time.Minute}, time.Hour, time.Minute, false, 1},
		{"after", faulty.Fault{DelayAfter: time.Minute}, time.Hour, time.Minute, false, 1},
		{"both", faulty.Fault{Delay: time.Minute, DelayAfter: time.Minute}, time.Hour, 2 * time.Minute, false, 1},
		{"before, timed out", faulty.Fault{Delay: time.Minute}, time.Second, time.Second, true, 0},
		{"after, timed out", faulty.Fault{DelayAfter: time.Minute}, time.Second, time.Second, true, 1},
		{"before a dial that fails, timed out", faulty.Fault{Delay: time.Minute, Refuse: true}, time.Second, time.Second, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := inProcess(t)
				s.API.Fail(tt.fault)
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				start := time.Now()
				_, err := s.Try(s.Request(s.API.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", sandboxtest.CreateBody).WithContext(ctx))
				if got := time.Since(start); got != tt.took {
					t.Errorf("took %v, want %v", got, tt.took)
				}
				if tt.failed != errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v, timed out should be %t", err, tt.failed)
				}
				if got := s.Created(); got != tt.created {
					t.Errorf("%d keys created, want %d", got, tt.created)
				}
			})
		})
	}
}

func TestDelayDoesNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inProcess(t)
		s.API.Fail(faulty.Fault{Delay: time.Minute, DelayAfter: time.Minute})
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = s.Create()
		}()
		synctest.Wait()
		start := time.Now()
		sandboxtest.WantStatus(t, s.Owner("GET", "/api/v1/api-keys", ""), http.StatusOK)
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v for another request", took)
		}
		<-done
	})
}

func TestServerStopsWithItsClient(t *testing.T) {
	s := onSocket(t)
	s.API.Record(true)
	s.API.Fail(faulty.Fault{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := s.Try(s.Request(s.API.OwnerKey().Reveal(), "POST", "/api/v1/api-keys", sandboxtest.CreateBody).WithContext(ctx))
		failed <- err
	}()
	for len(s.API.Requests()) == 0 {
		select {
		case err := <-failed:
			t.Fatal(err)
		default:
			runtime.Gosched()
		}
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
	// Closing the server waits for its handlers: it returns only if they do.
}
