package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is a request that reached the API, as Requests tells it. Header holds
// the credential with which it came.
type Request struct {
	Method string
	Host   string
	Path   string // as sent, still escaped
	Query  url.Values
	Header http.Header
	Body   []byte // its first MiB
	Time   time.Time
	Status int // what was answered; 0 if nothing was, or not yet
}

// Record starts or stops the recording of requests, which a new API does not do.
func (a *API) Record(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.recording = on
}

// Requests returns what was recorded, in the order of arrival.
func (a *API) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	requests := make([]Request, 0, len(a.requests))
	for _, r := range a.requests {
		requests = append(requests, r.clone())
	}
	return requests
}

func (r *Request) clone() Request {
	c := *r
	c.Query = cloneValues(r.Query)
	c.Header = r.Header.Clone()
	c.Body = slices.Clone(r.Body)
	return c
}

// cloneValues copies a query, which has the shape of a header.
func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }

// record notes the arrival of a request. It returns nil if nothing is recorded.
func (a *API) record(req request) *Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.recording {
		return nil
	}
	entry := req.public(a.now())
	a.requests = append(a.requests, &entry)
	return &entry
}

// public returns the request as it is told to others.
func (req request) public(now time.Time) Request {
	return Request{
		Method: req.method,
		Host:   req.host,
		Path:   req.path,
		Query:  cloneValues(req.query),
		Header: req.header.Clone(),
		Body:   slices.Clone(req.body),
		Time:   now,
	}
}

// recordStatus notes what was answered.
func (a *API) recordStatus(entry *Request, status int) {
	if entry == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	entry.Status = status
}
