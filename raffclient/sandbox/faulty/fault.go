package faulty

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is a failure that Fail injects. With a fault that needs the real response (After,
// Header, Omit, Set, CutBody, Endless, IgnoreOffset), the handler serves the request. With
// any other, the request does not reach the handler: a sandbox neither checks the key nor
// counts the request for its rate limit.
type Fault struct {
	Method, Path string // "" matches any; Path is exact, or a prefix that ends in "*"
	Times        int    // how many matching requests fail; 0 is one, negative is all
	Skip         int    // how many matching requests pass first

	Delay      time.Duration // waits before the request takes effect, unless its context ends
	DelayAfter time.Duration // waits after the effect, before the response

	Status   int         // responds with this instead, and with Body; 0 with a Body is 200
	Header   http.Header // is added to any response and replaces fields of the same name
	Body     string      // is sent unchanged, as JSON unless Header has another Content-Type
	Redirect string      // responds with a redirect there instead, with Status, or 307
	After    bool        // lets the request take effect before Status, Redirect or Cut applies

	Cut     bool // cuts the connection instead of responding
	CutBody int  // cuts it after that many bytes of the body, although the whole length was announced; negative is none
	Endless bool // sends Filler after the body, without end
	Filler  byte // 0 is a space

	// Omit and Set change fields of data: of each element, if it is a list. The
	// names success, data, total, message and error mean the fields of the envelope.
	Omit []string
	Set  map[string]any

	IgnoreOffset bool // serves lists as if offset were 0

	// Refuse makes the dial fail, as if nobody listened; RefuseErr makes it fail with
	// that error. Such a request does not arrive, so it is not in Requests. A server
	// cannot do that: ServeHTTP cuts the connection.
	Refuse    bool
	RefuseErr error
}

// injected is a fault with the numbers of requests that it still skips and applies to.
type injected struct {
	Fault
	skip, left int
}

// Fail injects a fault. Faults are tried in the order of injection; the first that
// applies handles the request alone, and the others do not count it.
func (h *Handler) Fail(f Fault) {
	left := f.Times
	if left == 0 {
		left = 1
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, &injected{Fault: f, skip: f.Skip, left: left})
}

// takeFault returns the fault that applies to a request, or a Fault that does
// nothing.
func (h *Handler) takeFault(method, path string) Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.faults {
		if f.matches(method, path) && f.take() {
			return f.Fault
		}
	}
	return Fault{}
}

func (f Fault) matches(method, path string) bool {
	if f.Method != "" && f.Method != method {
		return false
	}
	if prefix, ok := strings.CutSuffix(f.Path, "*"); ok {
		return strings.HasPrefix(path, prefix)
	}
	return f.Path == "" || f.Path == path
}

// take reports whether the fault applies to a request that it matches, and counts it.
func (f *injected) take() bool {
	if f.left == 0 {
		return false
	}
	if f.skip > 0 {
		f.skip--
		return false
	}
	if f.left > 0 {
		f.left--
	}
	return true
}

// dialError returns the error with which the dial fails, or nil.
func (f Fault) dialError() error {
	if f.RefuseErr == nil && f.Refuse {
		return errRefused()
	}
	return f.RefuseErr
}

// replaces reports whether the fault replaces the real response.
func (f Fault) replaces() bool { return f.Status != 0 || f.Body != "" || f.Redirect != "" }

// takesEffect reports whether the request takes effect.
func (f Fault) takesEffect() bool { return f.After || !f.Cut && !f.replaces() }

// replacement returns the response that replaces the real one.
func (f Fault) replacement() response {
	resp := response{status: f.Status, header: http.Header{}, body: []byte(f.Body)}
	if f.Redirect != "" {
		resp.header.Set("Location", f.Redirect)
	}
	if f.Body != "" {
		resp.header.Set("Content-Type", "application/json")
	}
	switch {
	case f.Status != 0:
	case f.Redirect != "":
		resp.status = http.StatusTemporaryRedirect
	default:
		resp.status = http.StatusOK
	}
	return resp
}

// changeRequest returns the request as the handler sees it.
func (f Fault) changeRequest(r *http.Request) *http.Request {
	if !f.IgnoreOffset {
		return r
	}
	changed := r.Clone(r.Context())
	query := r.URL.Query()
	query.Del("offset")
	changed.URL.RawQuery = query.Encode()
	return changed
}

// changeResponse applies Omit and Set to a response.
func (f Fault) changeResponse(resp response) response {
	if len(f.Omit) == 0 && len(f.Set) == 0 || len(resp.body) == 0 {
		return resp
	}
	decoder := json.NewDecoder(bytes.NewReader(resp.body))
	decoder.UseNumber()
	var envelope map[string]any
	if err := decoder.Decode(&envelope); err != nil {
		panic(err) // Omit and Set are for handlers that respond with JSON objects
	}
	for _, name := range f.Omit {
		eachParent(envelope, name, func(fields map[string]any) { delete(fields, name) })
	}
	for name, value := range f.Set {
		eachParent(envelope, name, func(fields map[string]any) { fields[name] = value })
	}
	body, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // Set contains a value that JSON cannot represent
	}
	resp.body = body
	return resp
}

// eachParent calls edit with each JSON object to which a field of that name belongs.
func eachParent(envelope map[string]any, name string, edit func(map[string]any)) {
	if slices.Contains([]string{"success", "data", "total", "message", "error"}, name) {
		edit(envelope)
		return
	}
	switch data := envelope["data"].(type) {
	case map[string]any:
		edit(data)
	case []any:
		for _, element := range data {
			edit(element.(map[string]any))
		}
	}
}
