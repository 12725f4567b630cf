package sandbox

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxBody is the size, in bytes, beyond which a request's body is refused.
const maxBody = 1 << 20

// request is an HTTP request that has been read to its end.
type request struct {
	method   string
	host     string
	path     string // as sent, still escaped
	query    url.Values
	header   http.Header
	body     []byte // at most maxBody
	tooLarge bool
}

// answer is what the API says to a request, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// reply is an answer on its way: its body may break off or never end.
type reply struct {
	status int
	header http.Header
	length int64 // as announced; -1 is not announced
	body   *stream
}

// ServeHTTP answers as the Raff API does, or as Fail ordered.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault := a.takeFault(r.Method, r.URL.Path)
	if fault.refusal() != nil {
		panic(http.ErrAbortHandler) // too late to refuse the connection
	}
	req, err := receive(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	rep, err := a.reply(r.Context(), req, fault)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	rep.write(w)
}

func (rep reply) write(w http.ResponseWriter) {
	for name, values := range rep.header {
		w.Header()[name] = values
	}
	w.WriteHeader(rep.status)
	if _, err := io.Copy(w, rep.body); err != nil {
		// What was copied must arrive before the connection is cut.
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// receive reads a request. Its error is that of reading the body.
func receive(r *http.Request) (request, error) {
	req := request{
		method: r.Method,
		host:   r.Host,
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

// reply carries a request out and answers it, both as the fault allows. An error
// means that there is no answer: the connection is to be cut, or ctx has ended.
func (a *API) reply(ctx context.Context, req request, f Fault) (reply, error) {
	entry := a.record(req)
	if err := wait(ctx, f.Delay); err != nil {
		a.show(req, answer{})
		return reply{}, err
	}
	var ans answer
	if f.letsThrough() {
		ans = a.perform(f.tamper(req))
	}
	a.show(req, ans)
	ans = f.edit(ans)
	if f.replaces() {
		ans = f.replacement()
	}
	if err := wait(ctx, f.DelayAfter); err != nil {
		return reply{}, err
	}
	if f.Cut {
		return reply{}, errReset()
	}
	rep := f.deliver(ctx, ans, a.date())
	a.recordStatus(entry, rep.status)
	return rep, nil
}

// deliver makes the reply that carries ans.
func (f Fault) deliver(ctx context.Context, ans answer, date string) reply {
	rep := reply{
		status: ans.status,
		header: ans.header.Clone(),
		length: int64(len(ans.body)),
		body:   f.stream(ctx, ans.body),
	}
	rep.header.Set("Date", date)
	switch {
	case f.Endless:
		rep.length = -1
	case ans.status == http.StatusNoContent: // which has no body to announce
	default:
		rep.header.Set("Content-Length", strconv.Itoa(len(ans.body)))
	}
	for name, values := range f.Header {
		rep.header[http.CanonicalHeaderKey(name)] = values
	}
	return rep
}

// wait waits for d, or until ctx ends, which is the error.
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
