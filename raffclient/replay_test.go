package raffclient_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// creating contains every method whose request must not be repeated.
var creating = []struct {
	name string
	call func(context.Context, *raffclient.Client) error
}{
	{"CreateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: "ci"})
		return err
	}},
	{"RegenerateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.RegenerateAPIKey(ctx, raffclient.APIKey{ID: "1", KeyPrefix: "raff_01234567"})
		return err
	}},
	{"CreateRole", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.CreateRole(ctx, raffclient.CreateRoleRequest{Name: "r", Slug: "r", Scope: "account", Permissions: []string{"p"}})
		return err
	}},
	{"CreateProject", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.CreateProject(ctx, raffclient.CreateProjectRequest{Name: "p"})
		return err
	}},
	{"AddMember", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.AddMember(ctx, raffclient.AddMemberRequest{Email: "a@example.com", RoleID: "1"})
		return err
	}},
	{"AddProjectMember", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.AddProjectMember(ctx, "1", raffclient.AddProjectMemberRequest{APIKeyID: "1", RoleID: "1"})
		return err
	}},
	{"CreateAccountInvitation", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.CreateAccountInvitation(ctx, raffclient.CreateInvitationRequest{Email: "a@example.com", RoleID: "1"})
		return err
	}},
	{"CreateProjectInvitation", func(ctx context.Context, c *raffclient.Client) error {
		_, err := c.CreateProjectInvitation(ctx, "1", raffclient.CreateInvitationRequest{Email: "a@example.com", RoleID: "1"})
		return err
	}},
}

// quick is impatient: what is lost is looked up in vain for one RequestTimeout.
func quick(url string) raffclient.Config {
	cfg := impatient(url, "raff_x")
	cfg.ConnectTimeout = 4 * time.Second
	cfg.RequestTimeout, cfg.CallTimeout = 4*time.Second, 12*time.Second
	return cfg
}

// The frames of HTTP/2 that are needed here (RFC 9113, section 6).
const (
	frameData      = 0
	frameHeaders   = 1
	frameReset     = 3
	frameSettings  = 4
	frameGoAway    = 7
	flagEndStream  = 1
	flagAck        = 1
	protocolError  = 1
	refusedStream  = 7
	noError        = 0
	clientPreface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	frameHeaderLen = 9
)

func writeFrame(w io.Writer, kind, flags byte, stream uint32, payload []byte) {
	head := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	_, _ = w.Write(append(binary.BigEndian.AppendUint32(head, stream), payload...))
}

// breaking is an HTTP/2 server that takes each POST, which it tells by its body, and
// then breaks the stream or the connection in a way after which net/http sends the
// request again if it can. Anything else gets no response.
type breaking struct {
	posts atomic.Int32
	after func(w io.Writer, stream uint32) // how it breaks
}

func (b *breaking) serve(conn net.Conn) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	preface := make([]byte, len(clientPreface))
	if _, err := io.ReadFull(r, preface); err != nil || string(preface) != clientPreface {
		return
	}
	writeFrame(conn, frameSettings, 0, 0, nil)
	for {
		head := make([]byte, frameHeaderLen)
		if _, err := io.ReadFull(r, head); err != nil {
			return
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(r, payload); err != nil {
			return
		}
		kind, flags, stream := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			writeFrame(conn, frameSettings, flagAck, 0, nil)
		case kind == frameHeaders && flags&flagEndStream != 0:
			return // a GET
		case kind == frameData && flags&flagEndStream != 0:
			b.posts.Add(1)
			b.after(conn, stream)
		}
	}
}

func reset(code uint32) func(io.Writer, uint32) {
	return func(w io.Writer, stream uint32) {
		writeFrame(w, frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code))
	}
}

func goAway(w io.Writer, _ uint32) {
	last := binary.BigEndian.AppendUint32(nil, 0)
	writeFrame(w, frameGoAway, 0, 0, binary.BigEndian.AppendUint32(last, noError))
}

var breaks = []struct {
	name  string
	after func(io.Writer, uint32)
}{
	{"PROTOCOL_ERROR", reset(protocolError)},
	{"REFUSED_STREAM", reset(refusedStream)},
	{"GOAWAY", goAway},
	{"close", func(w io.Writer, _ uint32) { w.(io.Closer).Close() }},
}

// listenTLS serves each connection, once its handshake is done, with one of two
// functions, and returns the address.
func listenTLS(t *testing.T, http2, http1 func(net.Conn)) (url string) {
	t.Helper()
	s := httptest.NewTLSServer(nil) // for its certificate
	certificates := s.TLS.Certificates
	s.Close()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				c := conn.(*tls.Conn)
				if c.HandshakeContext(t.Context()) != nil {
					c.Close()
					return
				}
				if c.ConnectionState().NegotiatedProtocol == "h2" {
					http2(c)
				} else {
					http1(c)
				}
			}()
		}
	}()
	return "https://" + l.Addr().String()
}

// trusting returns a transport that speaks HTTP/2 where it is offered.
func trusting() *http.Transport {
	return &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // a server of the test's own
		ForceAttemptHTTP2: true,
	}
}

// sentOnce fails the test unless the call's outcome is unknown, and the request was
// sent once.
func sentOnce(t *testing.T, name string, err error, posts int32) {
	t.Helper()
	if posts != 1 {
		t.Errorf("%s: the request was sent %d times", name, posts)
	}
	if !errors.Is(err, raffclient.ErrOutcomeUnknown) || errors.Is(err, raffclient.ErrUnreachable) {
		t.Errorf("%s: got %v, want ErrOutcomeUnknown", name, err)
	}
}

// Over HTTP/2, which only a RoundTripper of the caller's own speaks, nothing is
// sent twice, however the stream ends.
func TestNothingIsSentTwiceOverHTTP2(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup // more run at once than tests would
	for _, b := range breaks {
		for _, op := range creating {
			server := &breaking{after: b.after}
			cfg := quick(listenTLS(t, server.serve, func(c net.Conn) { c.Close() }))
			inner := trusting()
			t.Cleanup(inner.CloseIdleConnections)
			cfg.Transport = roundTripper(inner.RoundTrip) // hides that it is an *http.Transport
			c := newClient(t, cfg)
			wg.Go(func() {
				sentOnce(t, b.name+", "+op.name, op.call(t.Context(), c), server.posts.Load())
			})
		}
	}
	wg.Wait()
}

// An *http.Transport never uses HTTP/2.
func TestNothingIsSentTwiceOverTLS(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for _, op := range creating {
		for name, before := range map[string]func(*raffclient.Client){
			op.name:                         func(*raffclient.Client) {},
			op.name + ", connection reused": func(c *raffclient.Client) { _, _ = c.GetAPIKey(t.Context(), "1") },
		} {
			var posts atomic.Int32
			cfg := quick(listenTLS(t,
				func(c net.Conn) { t.Error("HTTP/2 was negotiated"); c.Close() },
				func(c net.Conn) { closeOnPost(c, &posts) }))
			cfg.Transport = trusting()
			c := newClient(t, cfg)
			wg.Go(func() {
				before(c)
				sentOnce(t, name, op.call(t.Context(), c), posts.Load())
			})
		}
	}
	wg.Wait()
}

// closeOnPost serves HTTP/1.1 until there is a POST, and then closes the connection
// without a response.
func closeOnPost(conn net.Conn, posts *atomic.Int32) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		if request.Method == "POST" {
			posts.Add(1)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	}
}

// A Transport that was set up for HTTP/2 before, because it was used, speaks
// HTTP/1.1 all the same.
func TestUsedTransportIsLimitedToHTTP1(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"id":"1","name":"`+r.Proto+`"}`)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	response, err := s.Client().Get(s.URL)
	if err != nil || response.Proto != "HTTP/2.0" {
		t.Fatalf("got %v, %v; want HTTP/2", response, err)
	}
	response.Body.Close()
	cfg := impatient(s.URL, "raff_x")
	cfg.Transport = s.Client().Transport
	if key, err := newClient(t, cfg).GetAPIKey(t.Context(), "1"); err != nil || key.Name != "HTTP/1.1" {
		t.Errorf("got %q, %v; want HTTP/1.1", key.Name, err)
	}
}

// Once there was a connection, the request may have been sent, even if the
// transport then fails to get another.
func TestSecondConnectionIsRefused(t *testing.T) {
	for _, op := range creating {
		t.Run(op.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var posts atomic.Int32
				cfg := raffclient.Config{APIKey: raffclient.NewSecret("raff_x")}
				cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					trace := httptrace.ContextClientTrace(r.Context())
					trace.GetConn("")
					if r.Method == "POST" {
						posts.Add(1)
						trace.GotConn(httptrace.GotConnInfo{})
						trace.GetConn("")
					}
					return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
				})
				err := op.call(t.Context(), newClient(t, cfg))
				sentOnce(t, op.name, err, posts.Load())
				if lost, ok := errors.AsType[*raffclient.OutcomeError](err); !ok || lost.LookupErr == nil {
					t.Errorf("got %v, want a lookup that failed", err)
				}
			})
		})
	}
}

// A request that must not be repeated has a body that cannot be rewound. A
// regeneration over a transport that is limited to HTTP/1.1 has none.
func TestBodyCannotBeRewound(t *testing.T) {
	for _, op := range creating {
		synctest.Test(t, func(t *testing.T) {
			cfg := raffclient.Config{APIKey: raffclient.NewSecret("raff_x")}
			cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == "POST" && (r.GetBody != nil || r.Body == nil || r.Body == http.NoBody) {
					t.Errorf("%s: the body can be rewound, or there is none", op.name)
				}
				return jsonResponse(404, "{}"), nil
			})
			_ = op.call(t.Context(), newClient(t, cfg))
		})
	}
	var length int64 = -2
	url, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		length = r.ContentLength
		w.WriteHeader(404)
	}))
	_, err := newClient(t, impatient(url, "raff_x")).RegenerateAPIKey(t.Context(), raffclient.APIKey{ID: "1"})
	if length != 0 {
		t.Errorf("regeneration: got a length of %d (%v), want 0", length, err)
	}
}
