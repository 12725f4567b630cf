package raffclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// idleTimeout is shorter than what servers commonly allow (Node.js: 5 s). A request
// on a connection that the server is just closing has an unknown outcome.
const idleTimeout = 4 * time.Second

// newTransport returns the default transport. A request over http goes to a
// loopback host (see parseBaseURL), for which ProxyFromEnvironment returns no
// proxy: no proxy ever sees the key.
func newTransport(connectTimeout time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		MaxIdleConnsPerHost:    maxLimit, // a burst keeps its connections
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// onlyHTTP1 returns a copy of t that is limited to HTTP/1.1.
func onlyHTTP1(t *http.Transport) *http.Transport {
	t = t.Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	// A Transport that was used before is already set up for HTTP/2.
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return t
}

// connTracer records whether a request obtained a connection. Before that, net/http
// writes no part of the request.
type connTracer struct {
	mu                  sync.Mutex
	requested, obtained bool
}

func (t *connTracer) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.set(&t.requested) },
		GotConn: func(httptrace.GotConnInfo) { t.set(&t.obtained) },
	})
}

// set sets a field, which is never reset: net/http may ask for a second connection
// after it sent the request on the first.
func (t *connTracer) set(field *bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*field = true
}

// neverConnected reports whether a request that failed with err certainly had no
// connection. If the transport does not support httptrace, that is decided by err alone.
func (t *connTracer) neverConnected(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.obtained && (t.requested || failedToConnect(err))
}

// transportError returns the error of a request that got no response. It does not
// contain err, because errors of net/http can quote what the server sent.
func (c *Client) transportError(err error, conn *connTracer) *Error {
	e := &Error{kind: ErrNoResponse, ambiguous: true, Message: c.transportMessage(err, conn)}
	if conn.neverConnected(err) {
		e.kind, e.ambiguous = ErrUnreachable, false
	}
	for _, ctxErr := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ctxErr) {
			e.cause = ctxErr
			break
		}
	}
	return e
}

func (c *Client) transportMessage(err error, conn *connTracer) string {
	timeout, _ := errors.AsType[net.Error](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS:
		return "the name " + c.Sanitize(dns.Name) + " could not be resolved"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection to " + c.Sanitize(c.base.Host) + " refused"
	case timeout != nil && timeout.Timeout():
		return "timed out"
	case isTLS(err) && conn.neverConnected(err):
		return "no trusted TLS connection to " + c.Sanitize(c.base.Host) + ": " + c.Sanitize(withoutURL(err).Error())
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "no TLS connection to " + c.Sanitize(c.base.Host) + ": it speaks plain HTTP"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case strings.HasSuffix(err.Error(), "EOF"):
		return "the connection was closed"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return "network error: " + c.Sanitize(op.Error())
	}
	return "the connection broke, or the response was not HTTP"
}

// withoutURL returns the error that err wraps if err is a *url.Error, or else err.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// failedToConnect reports whether err is one that occurs only before anything is written.
func failedToConnect(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return isTLS(err)
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "tls: ")
}
