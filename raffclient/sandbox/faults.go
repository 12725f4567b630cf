package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Fault is a misbehaviour for tests to order with Fail. Unless it needs the real
// answer (After, Header, Omit, Set, CutBody, Endless, IgnoreOffset) it comes before
// the key is looked at and before the rate limiter counts.
type Fault struct {
	Method, Path string // "" matches any; Path is exact, or a prefix that ends in "*"
	Times        int    // how many matching requests it hits; 0 is one, negative is all
	Skip         int    // lets that many matching requests pass first

	Delay      time.Duration // waits before the request takes effect, unless its context ends
	DelayAfter time.Duration // waits after the effect, before the answer

	Status   int         // answers this instead, with Body; 0 with a Body is 200
	Header   http.Header // is added to whatever is answered, in place of fields of that name
	Body     string      // is sent as it stands, as JSON unless Header has another Content-Type
	Redirect string      // answers a redirect there instead, with Status, or 307
	After    bool        // lets the request take effect before Status, Redirect or Cut comes in

	Cut     bool // cuts the connection instead of answering
	CutBody int  // cuts it after that many bytes of the body, of which the whole length was announced; negative is none
	Endless bool // sends Filler after the body, for ever
	Filler  byte // 0 is a space

	// Omit and Set change fields of data: of each element, if it is a list. The
	// names success, data, total, message and error mean the envelope's fields.
	Omit []string
	Set  map[string]any

	IgnoreOffset bool // answers lists as though offset were 0

	// Refuse makes the dial fail, as if nobody listened; RefuseErr, as if for that
	// reason. Such a request has not reached the API, so Requests does not have it.
	// A server cannot do that: ServeHTTP cuts the connection.
	Refuse    bool
	RefuseErr error
}

// ordered is a fault with what is left of it.
type ordered struct {
	Fault
	skip, left int
}

// Fail orders a fault. Faults are tried in the order in which they came; the first
// that applies has the request for itself, and the others do not count it.
func (a *API) Fail(f Fault) {
	left := f.Times
	if left == 0 {
		left = 1
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, &ordered{Fault: f, skip: f.Skip, left: left})
}

// takeFault returns the fault that applies to a request, or a Fault that does
// nothing.
func (a *API) takeFault(method, path string) Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, f := range a.faults {
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

// take reports whether the fault hits a request that it matches.
func (f *ordered) take() bool {
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

// refusal returns the error with which the dial fails, or nil.
func (f Fault) refusal() error {
	if f.RefuseErr == nil && f.Refuse {
		return errRefused()
	}
	return f.RefuseErr
}

// replaces reports whether the real answer is not what is sent.
func (f Fault) replaces() bool { return f.Status != 0 || f.Body != "" || f.Redirect != "" }

// letsThrough reports whether the request takes effect.
func (f Fault) letsThrough() bool { return f.After || !f.Cut && !f.replaces() }

// replacement returns what is answered instead.
func (f Fault) replacement() answer {
	ans := answer{status: f.Status, header: http.Header{}, body: []byte(f.Body)}
	if f.Redirect != "" {
		ans.header.Set("Location", f.Redirect)
	}
	if f.Body != "" {
		ans.header.Set("Content-Type", "application/json")
	}
	switch {
	case f.Status != 0:
	case f.Redirect != "":
		ans.status = http.StatusTemporaryRedirect
	default:
		ans.status = http.StatusOK
	}
	return ans
}

// tamper returns the request as the API is to see it.
func (f Fault) tamper(req request) request {
	if f.IgnoreOffset {
		req.query = cloneValues(req.query)
		req.query.Del("offset")
	}
	return req
}

// edit returns the answer after Omit and Set.
func (f Fault) edit(ans answer) answer {
	if len(f.Omit) == 0 && len(f.Set) == 0 || len(ans.body) == 0 {
		return ans
	}
	decoder := json.NewDecoder(bytes.NewReader(ans.body))
	decoder.UseNumber()
	var envelope map[string]any
	if err := decoder.Decode(&envelope); err != nil {
		panic(err) // the API's own answers are JSON objects
	}
	for _, name := range f.Omit {
		eachHolder(envelope, name, func(fields map[string]any) { delete(fields, name) })
	}
	for name, value := range f.Set {
		eachHolder(envelope, name, func(fields map[string]any) { fields[name] = value })
	}
	ans.body = encode(envelope)
	return ans
}

// eachHolder calls edit with each JSON object that a field of that name belongs in.
func eachHolder(envelope map[string]any, name string, edit func(map[string]any)) {
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
