package raffclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// impatient is for tests with real sockets.
func impatient(url, key string) raffclient.Config {
	return raffclient.Config{
		APIKey: raffclient.NewSecret(key), BaseURL: url,
		ConnectTimeout: 2 * time.Second, RequestTimeout: 2 * time.Second, CallTimeout: 6 * time.Second,
	}
}

func newClient(t *testing.T, cfg raffclient.Config) *raffclient.Client {
	t.Helper()
	c, err := raffclient.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.Handler) (url string, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	s := httptest.NewUnstartedServer(h)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connections
}

func TestConnectionIsReused(t *testing.T) {
	api := faulty.Wrap(sandbox.New())
	url, connections := serve(t, api)
	c := newClient(t, impatient(url, api.OwnerKey().Reveal()))
	for range 5 {
		key, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.RevokeAPIKey(t.Context(), key.APIKey); err != nil {
			t.Fatal(err)
		}
	}
	if got := connections.Load(); got != 1 {
		t.Errorf("got %d connections, want 1", got)
	}
}

// The key goes to no other host, not even to another port.
func TestRedirectIsRefused(t *testing.T) {
	var stolen atomic.Int32
	thief, _ := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen.Add(1) }))
	for _, status := range []int{301, 302, 307, 308} {
		api := faulty.Wrap(sandbox.New())
		elsewhere := status == 307 || status == 308 // these two alone say that nothing was done here
		api.Fail(faulty.Fault{Redirect: thief + "/api/v1/api-keys", Status: status, After: !elsewhere})
		url, _ := serve(t, api)
		_, err := newClient(t, impatient(url, api.OwnerKey().Reveal())).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
		if !errors.Is(err, raffclient.ErrRedirected) {
			t.Errorf("%d: got %v, want ErrRedirected", status, err)
		}
		if unknown := errors.Is(err, raffclient.ErrOutcomeUnknown); unknown == elsewhere {
			t.Errorf("%d: got %v, want ErrOutcomeUnknown: %t", status, err, !elsewhere)
		}
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("the other host got %d requests", n)
	}
}

func TestRealResetIsLookedUp(t *testing.T) {
	t.Parallel()
	for _, fault := range []faulty.Fault{
		{Cut: true, After: true},
		{CutBody: 5},
		{DelayAfter: 3 * time.Second},
		{Status: 201, After: true, Body: `{"data":{"x":"`, Endless: true, Filler: 'x'},
	} {
		t.Run(fmt.Sprint(fault.Cut, fault.CutBody, fault.DelayAfter, fault.Endless), func(t *testing.T) {
			t.Parallel()
			api := faulty.Wrap(sandbox.New())
			api.Fail(create(fault))
			url, _ := serve(t, api)
			_, err := newClient(t, impatient(url, api.OwnerKey().Reveal())).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
			if lost, ok := errors.AsType[*raffclient.OutcomeError](err); !ok || len(lost.Found) != 1 {
				t.Errorf("got %v, want one key", err)
			}
		})
	}
}

// Whatever comes back once a request was sent, and however much it looks like a
// handshake that failed, is no proof that nothing was done.
func TestConnectionBreaksAfterSending(t *testing.T) {
	t.Parallel()
	record := "\x17\x03\x03\x00\x20" + strings.Repeat("garbage!", 4)
	for _, tt := range []struct {
		name     string
		tls      bool
		response string // as it is, below TLS
	}{
		{"TLS record that is none", true, record},
		{"TLS record of another version", true, "HTTP/1.1 400 Bad Request\r\n\r\n"},
		{"TLS alert", true, "\x15\x03\x03\x00\x02\x02\x50"},
		{"status line that speaks of TLS", false, "tls: hello\r\n\r\n"},
		{"header that speaks of TLS", false, "HTTP/1.1 201 Created\r\n\x01tls: x\r\n\r\n"},
		{"header that speaks of x509", false, "HTTP/1.1 201 Created\r\n\x01x509: certificate signed by unknown authority\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			api := faulty.Wrap(sandbox.New())
			var posts atomic.Int32
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "POST" {
					api.ServeHTTP(w, r)
					return
				}
				posts.Add(1)
				api.ServeHTTP(httptest.NewRecorder(), r)
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				if c, ok := conn.(*tls.Conn); ok {
					conn = c.NetConn()
				}
				_, _ = io.WriteString(conn, tt.response)
				conn.Close()
			}))
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			if tt.tls {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			cfg := impatient(s.URL, api.OwnerKey().Reveal())
			cfg.Transport = s.Client().Transport
			before := len(api.Keys())
			_, err := newClient(t, cfg).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
			if errors.Is(err, raffclient.ErrUnreachable) || posts.Load() != 1 || len(api.Keys()) != before+1 {
				t.Errorf("got %v, %d requests and %d keys, want one of each", err, posts.Load(), len(api.Keys())-before)
			}
			if lost := lookedUp(t, err); len(lost.Found) != 1 || lost.Found[0].ID != api.Keys()[before].ID {
				t.Errorf("got %+v, want the key", lost)
			}
		})
	}
}

// A body that never ends, after a complete response, delays nobody.
func TestBodyWithoutEnd(t *testing.T) {
	api := faulty.Wrap(sandbox.New())
	api.Fail(create(faulty.Fault{Endless: true}))
	url, _ := serve(t, api)
	start := time.Now()
	key, err := newClient(t, impatient(url, api.OwnerKey().Reveal())).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
	if err != nil || key.Secret.IsZero() {
		t.Errorf("got %v after %v, want the secret", err, time.Since(start))
	}
}

// Errors of net/http can quote what a server sent; ours do not.
func TestErrorsQuoteNoBytesOfTheServer(t *testing.T) {
	t.Parallel()
	for _, response := range []string{
		"HTTP/1.1 %s OK\r\n\r\n",
		"%s\r\n\r\n",
		"HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"HTTP/1.1 307 Moved\r\nLocation: https://%s@host/%[1]s?%[1]s\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 307 Moved\r\nLocation: https://%s/\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 400 %s\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 201 OK\r\n\r\n%s",
	} {
		t.Run(response, func(t *testing.T) {
			t.Parallel()
			const key = "raff_0123456789abcdefKEY"
			url, _ := serve(t, faulty.Raw(fmt.Sprintf(response, key)))
			cfg := impatient(url, key)
			cfg.RequestTimeout, cfg.CallTimeout = 300*time.Millisecond, 900*time.Millisecond // no second attempt
			_, err := newClient(t, cfg).GetAPIKey(t.Context(), "1")
			if err == nil || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), "KEY") {
				t.Errorf("got %v, want an error without the key", err)
			}
		})
	}
}

// Without a connection nothing was sent, and the error says so.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	plain, _ := serve(t, http.NotFoundHandler())
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, tt := range []struct{ name, url, text string }{
		{"refused", "http://" + closed.Addr().String(), "refused"},
		{"certificate", untrusted.URL, "TLS"},
		{"not TLS", strings.Replace(plain, "http://", "https://", 1), "TLS"},
		{"no such name", "https://raff.invalid", "raff.invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := impatient(tt.url, "raff_x")
			// A handshake is slow beside other tests.
			cfg.ConnectTimeout, cfg.RequestTimeout, cfg.CallTimeout = 4*time.Second, 4*time.Second, 12*time.Second
			_, err := newClient(t, cfg).CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
			if !errors.Is(err, raffclient.ErrUnreachable) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v, want ErrUnreachable with %q", err, tt.text)
			}
		})
	}
}

// Reading gives up at once when its caller does.
func TestReadingIsCancelled(t *testing.T) {
	api := faulty.Wrap(sandbox.New())
	api.Fail(faulty.Fault{Delay: time.Minute})
	url, _ := serve(t, api)
	cfg := impatient(url, api.OwnerKey().Reveal())
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := newClient(t, cfg).GetAPIKey(ctx, "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
