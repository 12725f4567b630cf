package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"syscall"
)

// Transport returns a RoundTripper that takes every request to this API, whatever
// its host, without a socket: it works inside testing/synctest. When a request's
// context ends, RoundTrip returns its error; what the request has changed by then
// stays changed. The hooks of httptrace that tell how far a request got (GotConn,
// WroteHeaders, WroteRequest, GotFirstResponseByte) are called.
func (a *API) Transport() http.RoundTripper { return transport{a} }

type transport struct{ api *API }

// RoundTrip runs the request in the caller's goroutine.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	fault := t.api.takeFault(r.Method, r.URL.Path)
	if refused := fault.refusal(); refused != nil {
		if err := wait(ctx, fault.Delay); err != nil {
			return nil, err
		}
		return nil, refused
	}
	req, err := receive(r)
	if err != nil {
		return nil, err
	}
	if req.host == "" {
		req.host = r.URL.Host
	}
	trace := httptrace.ContextClientTrace(ctx)
	traceSent(trace)
	rep, err := t.api.reply(ctx, req, fault)
	if err != nil {
		return nil, err
	}
	traceAnswered(trace)
	return rep.response(r), nil
}

func (rep reply) response(r *http.Request) *http.Response {
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", rep.status, http.StatusText(rep.status)),
		StatusCode:    rep.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        rep.header.Clone(),
		Body:          rep.body,
		ContentLength: rep.length,
		Request:       r,
	}
}

func traceSent(trace *httptrace.ClientTrace) {
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

func traceAnswered(trace *httptrace.ClientTrace) {
	if trace != nil && trace.GotFirstResponseByte != nil {
		trace.GotFirstResponseByte()
	}
}

// errReset is what a client sees when the server cuts the connection.
func errReset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

// errRefused is what a client sees when nobody listens.
func errRefused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}
