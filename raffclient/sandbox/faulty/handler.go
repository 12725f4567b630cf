package faulty

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// Handler serves requests with another handler, unless a fault applies. Create one with
// New. It is safe for concurrent use.
type Handler struct {
	next http.Handler

	mu        sync.Mutex
	clock     func() time.Time
	faults    []*injected
	recording bool
	requests  []*Request
	watch     func(Exchange)
}

// New returns a Handler that serves requests with next. It has no faults and records
// nothing.
func New(next http.Handler) *Handler { return &Handler{next: next, clock: time.Now} }

// SetClock sets the clock for the Date header and for Request.Time. Nil is time.Now.
// Delays do not follow it. now must not call the Handler.
func (h *Handler) SetClock(now func() time.Time) {
	if now == nil {
		now = time.Now
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = now
}

// now returns the time in UTC. The caller holds the mutex.
func (h *Handler) now() time.Time { return h.clock().UTC() }

// date returns the time in the format of the Date header.
func (h *Handler) date() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now().Format(http.TimeFormat)
}

// response is a complete response of the wrapped handler, or what replaces it.
type response struct {
	status int
	header http.Header
	body   []byte
}

// delivery is a response in transit: its body can be truncated or endless.
type delivery struct {
	status int
	header http.Header
	length int64 // as announced; -1 is not announced
	body   *stream
}

// ServeHTTP responds as the wrapped handler does, or as the injected faults say.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := h.takeFault(r.Method, r.URL.Path)
	if fault.dialError() != nil {
		panic(http.ErrAbortHandler) // too late to refuse the connection
	}
	r, body, err := receive(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	d, err := h.respond(r, body, fault)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	d.write(w)
}

func (d delivery) write(w http.ResponseWriter) {
	for name, values := range d.header {
		w.Header()[name] = values
	}
	w.WriteHeader(d.status)
	if _, err := io.Copy(w, d.body); err != nil {
		// What was copied must arrive before the connection is cut.
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// receive returns a copy of a request as a server sees it, and its body.
func receive(r *http.Request) (*http.Request, []byte, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, nil, err
		}
	}
	r = r.Clone(r.Context())
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, body, nil
}

// respond serves a request and prepares the response, both as the fault says. An error
// means that there is no response: the connection is cut, or the context has ended.
func (h *Handler) respond(r *http.Request, body []byte, f Fault) (delivery, error) {
	ctx := r.Context()
	entry := h.record(r, body)
	if err := wait(ctx, f.Delay); err != nil {
		h.report(r, body, response{})
		return delivery{}, err
	}
	var resp response
	if f.takesEffect() {
		resp = h.serve(f.changeRequest(r))
	}
	h.report(r, body, resp)
	resp = f.changeResponse(resp)
	if f.replaces() {
		resp = f.replacement()
	}
	if err := wait(ctx, f.DelayAfter); err != nil {
		return delivery{}, err
	}
	if f.Cut {
		return delivery{}, errReset()
	}
	d := f.deliver(ctx, resp, h.date())
	h.recordStatus(entry, d.status)
	return d, nil
}

// serve returns the response of the wrapped handler.
func (h *Handler) serve(r *http.Request) response {
	recorder := httptest.NewRecorder()
	h.next.ServeHTTP(recorder, r)
	return response{recorder.Code, recorder.Result().Header, recorder.Body.Bytes()}
}

// deliver prepares the delivery of a response.
func (f Fault) deliver(ctx context.Context, resp response, date string) delivery {
	d := delivery{
		status: resp.status,
		header: resp.header.Clone(),
		length: int64(len(resp.body)),
		body:   f.stream(ctx, resp.body),
	}
	d.header.Set("Date", date)
	d.header.Del("Content-Length")
	switch {
	case f.Endless:
		d.length = -1
	case resp.status == http.StatusNoContent: // has no body to announce
	default:
		d.header.Set("Content-Length", strconv.Itoa(len(resp.body)))
	}
	for name, values := range f.Header {
		d.header[http.CanonicalHeaderKey(name)] = values
	}
	return d
}

// wait waits for d. If ctx ends first, it returns the error of ctx.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
