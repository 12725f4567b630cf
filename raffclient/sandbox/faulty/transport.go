package faulty

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"syscall"
)

// Transport returns a RoundTripper that passes every request to the Handler, whatever
// its host, without a socket: it works inside testing/synctest. If the context of a
// request ends, RoundTrip returns its error, and what the request has changed by then
// stays changed. RoundTrip calls the hooks of httptrace that show how far a request got:
// GotConn, WroteHeaders, WroteRequest, GotFirstResponseByte.
func (h *Handler) Transport() http.RoundTripper { return transport{h} }

type transport struct{ handler *Handler }

// RoundTrip serves the request in the caller's goroutine.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fault := t.handler.takeFault(r.Method, r.URL.Path)
	if dialErr := fault.dialError(); dialErr != nil {
		if err := wait(ctx, fault.Delay); err != nil {
			return nil, err
		}
		return nil, dialErr
	}
	received, body, err := receive(r)
	if err != nil {
		return nil, err
	}
	trace := httptrace.ContextClientTrace(ctx)
	traceRequest(trace)
	d, err := t.handler.respond(received, body, fault)
	if err != nil {
		return nil, err
	}
	traceResponse(trace)
	return d.response(r), nil
}

func (d delivery) response(r *http.Request) *http.Response {
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", d.status, http.StatusText(d.status)),
		StatusCode:    d.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        d.header,
		Body:          d.body,
		ContentLength: d.length,
		Request:       r,
	}
}

func traceRequest(trace *httptrace.ClientTrace) {
	if trace == nil {
		return
	}
	if trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
}

func traceResponse(trace *httptrace.ClientTrace) {
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
}

// errReset returns the error that a client gets if the server cuts the connection.
func errReset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

// errRefused returns the error that a client gets if nothing listens.
func errRefused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}
