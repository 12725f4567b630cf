package sandbox

import (
	"io"
	"net/http"
	"net/url"
	"strconv"
)

// maxBody is the size, in bytes, beyond which the body of a request is refused.
const maxBody = 1 << 20

// request is an HTTP request whose body has been read.
type request struct {
	method   string
	path     string // as sent, still escaped
	query    url.Values
	header   http.Header
	body     []byte // at most maxBody
	tooLarge bool
}

// response is a complete response.
type response struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP responds as the Raff API does.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := receive(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	resp := a.respond(req)
	for name, values := range resp.header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.status)
	_, _ = w.Write(resp.body) // fails if the client is gone
}

// receive reads a request. Its error is that of reading the body.
func receive(r *http.Request) (request, error) {
	req := request{
		method: r.Method,
		path:   r.URL.EscapedPath(),
		query:  r.URL.Query(),
		header: r.Header.Clone(),
	}
	if r.Body == nil {
		return req, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return request{}, err
	}
	req.tooLarge = len(body) > maxBody
	req.body = body[:min(len(body), maxBody)]
	return req, nil
}

// respond serves a request. The response has a Date, and a Content-Length unless it
// cannot have a body.
func (a *API) respond(req request) response {
	resp := a.perform(req)
	resp.header.Set("Date", a.date())
	if resp.status != http.StatusNoContent {
		resp.header.Set("Content-Length", strconv.Itoa(len(resp.body)))
	}
	return resp
}
