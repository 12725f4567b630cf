package faulty

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is a recorded request. Header contains the credential that was sent.
type Request struct {
	Method string
	Host   string
	Path   string // as sent, still escaped
	Query  url.Values
	Header http.Header
	Body   []byte
	Time   time.Time
	Status int // of the response; 0 if there is none, or none yet
}

// Record starts or stops recording. A new Handler does not record.
func (h *Handler) Record(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recording = on
}

// Requests returns the recorded requests in the order of arrival.
func (h *Handler) Requests() []Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	requests := make([]Request, 0, len(h.requests))
	for _, r := range h.requests {
		requests = append(requests, r.clone())
	}
	return requests
}

func (r *Request) clone() Request {
	c := *r
	c.Query = url.Values(http.Header(r.Query).Clone())
	c.Header = r.Header.Clone()
	c.Body = slices.Clone(r.Body)
	return c
}

// newRequest returns the description of a request that arrives at now.
func newRequest(r *http.Request, body []byte, now time.Time) Request {
	return Request{
		Method: r.Method,
		Host:   r.Host,
		Path:   r.URL.EscapedPath(),
		Query:  r.URL.Query(),
		Header: r.Header.Clone(),
		Body:   slices.Clone(body),
		Time:   now,
	}
}

// record records the arrival of a request. It returns nil if recording is off.
func (h *Handler) record(r *http.Request, body []byte) *Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.recording {
		return nil
	}
	entry := newRequest(r, body, h.now())
	h.requests = append(h.requests, &entry)
	return &entry
}

// recordStatus records the status of the response.
func (h *Handler) recordStatus(entry *Request, status int) {
	if entry == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	entry.Status = status
}
