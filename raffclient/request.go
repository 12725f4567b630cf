package raffclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// request is what a method asks of the API.
type request struct {
	method string
	path   []string // below /api/v1, not escaped
	query  url.Values
	body   any // encoded as JSON; nil: no body

	// once marks what must not be done twice. It is not repeated if it may
	// have been processed, by us or by the transport, and once it is on its way
	// it is seen through even if the context is cancelled.
	once bool
	// noData says that success needs no data, and therefore no body.
	noData bool
	// around, if set, is called for each attempt and makes it by calling send.
	around func(send func() (answer, error)) (answer, error)
	// absent, if set, reports whether a request that was refused for the rate
	// limit had no effect, as far as can be seen; certain asks for proof. It is asked
	// before every further attempt, and from the third on for proof: that a 429 means
	// that nothing was done is documented.
	absent func(ctx context.Context, certain bool) bool
}

// collections are the elements of the API's paths that are not IDs.
var collections = []string{"api-keys", "regenerate", "roles", "permissions", "projects", "members", "invitations"}

// namesSomething reports whether r refers to something by an ID, in its path or
// in its body.
func (r request) namesSomething(body []byte) bool {
	return bytes.Contains(body, []byte(`_id":`)) ||
		slices.ContainsFunc(r.path, func(e string) bool { return !slices.Contains(collections, e) })
}

// url returns where r goes. Elements that would make the path another one
// (an ID of "..") are refused.
func (c *Client) url(r request) (*url.URL, error) {
	u := *c.base
	elements := append([]string{"api", "v1"}, r.path...)
	raw := u.EscapedPath()
	for _, e := range elements {
		if e == "" || e == "." || e == ".." {
			return nil, &Error{kind: ErrInvalid, Message: fmt.Sprintf("%q cannot be an ID", e)}
		}
		u.Path += "/" + e
		raw += "/" + url.PathEscape(e)
	}
	u.RawPath = raw
	u.RawQuery = r.query.Encode()
	return &u, nil
}

// call sends r and returns the object in its answer. The error is an *Error.
func call[T any](ctx context.Context, c *Client, r request) (T, answer, error) {
	return callWith(ctx, c, r, decodeResource[T])
}

// callList sends r and returns the objects in its answer.
func callList[T any](ctx context.Context, c *Client, r request) ([]T, answer, error) {
	return callWith(ctx, c, r, decodeList[T])
}

func callWith[T any](ctx context.Context, c *Client, r request, read func(json.RawMessage) (T, error)) (data T, a answer, err error) {
	if a, err = c.call(ctx, r); err != nil || r.noData && a.empty() {
		return data, a, err
	}
	data, bad := decodeWith(c, &a, read)
	if bad != nil {
		return data, a, bad
	}
	return data, a, nil
}

// remove sends a DELETE. Success needs no data, and no body.
func (c *Client) remove(ctx context.Context, path ...string) error {
	_, _, err := callWith(ctx, c, request{method: http.MethodDelete, path: path, noData: true},
		func(json.RawMessage) (struct{}, error) { return struct{}{}, nil })
	return err
}

// byID sends r, which names one object, and returns the object. A response that
// describes another one is an error: what follows would be done to that.
func byID[T any](ctx context.Context, c *Client, r request, want string, id func(T) string) (T, answer, error) {
	data, a, err := call[T](ctx, c, r)
	if got := id(data); err == nil && got != "" && !strings.EqualFold(got, want) {
		var none T
		return none, a, &Error{Status: a.status, kind: ErrBadAnswer, maybe: true, Message: "it describes an object with another ID"}
	}
	return data, a, err
}

// call sends r and returns its answer, not yet decoded.
func (c *Client) call(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	return c.do(ctx, r)
}

// do sends r until it is answered for good or may not be repeated, under the
// deadline of ctx.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	u, err := c.url(r)
	if err != nil {
		return answer{}, err
	}
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return answer{}, &Error{kind: ErrInvalid, Message: "the request cannot be written as JSON"}
		}
	}
	deadline, _ := ctx.Deadline()
	if r.once {
		// Leave time to be answered and to find out what became of it.
		deadline = deadline.Add(-2 * c.cfg.RequestTimeout)
	}
	waiting, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	t := try{client: c, request: r, url: u, body: body}
	for {
		if err := c.pace.wait(waiting); err != nil {
			return answer{}, notSent(ctx, err, t.last)
		}
		a, err := t.sendAround(ctx)
		if err == nil {
			return a, nil
		}
		wait, again := t.next(err)
		if !again || time.Now().Add(wait).After(deadline) {
			return a, err
		}
		if c.cfg.OnWait != nil && wait > 0 {
			c.cfg.OnWait(ctx, Wait{For: wait, Because: err, Attempts: t.attempt})
		}
		if err := sleep(waiting, wait); err != nil {
			return answer{}, notSent(ctx, err, t.last)
		}
		if errors.Is(err, ErrRateLimited) && r.absent != nil && !r.absent(ctx, t.attempt >= 2) {
			t.last.maybe = true
			return a, err
		}
	}
}

// notSent is the error of a call that ended while waiting for its turn. If an
// earlier attempt failed, that is the better account of what happened, unless
// the caller itself gave up.
func notSent(ctx context.Context, err error, last *Error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) || cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return &Error{kind: ErrNotSent, Message: "cancelled before it was sent", cause: cause, maybe: last != nil && last.maybe}
	}
	if last != nil {
		return last
	}
	return &Error{kind: ErrRateLimited, Message: "its turn under the rate limit did not come in time", cause: err}
}

// try is a request with what happened to it so far.
type try struct {
	client  *Client
	request request
	url     *url.URL
	body    []byte

	attempt   int
	projectID string // sent as X-Project-ID
	last      *Error // of the attempt before
}

func (t *try) sendAround(ctx context.Context) (answer, error) {
	if t.request.around == nil {
		return t.send(ctx)
	}
	return t.request.around(func() (answer, error) { return t.send(ctx) })
}

// send makes one attempt.
func (t *try) send(ctx context.Context) (answer, error) {
	c, r := t.client, t.request
	t.attempt++
	if r.once {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()

	start := time.Now()
	a, err := t.roundTrip(ctx)
	t.log(ctx, a.status, time.Since(start), err)
	if err == nil {
		return a, nil
	}
	if t.last != nil {
		err.maybe = err.maybe || t.last.maybe
	}
	if err.gone(r, t.last) {
		return answer{status: a.status, header: a.header, readErr: io.EOF}, nil // its body is about the refusal
	}
	t.last = err
	return a, err
}

func (t *try) log(ctx context.Context, status int, took time.Duration, err *Error) {
	level, message := slog.LevelDebug, "request"
	attrs := []slog.Attr{
		slog.String("method", t.request.method),
		slog.String("path", t.client.clean(t.url.Path)),
		slog.Int("status", status),
		slog.Duration("duration", took.Round(time.Microsecond)),
		slog.Int("attempt", t.attempt),
	}
	if err != nil {
		level, message = slog.LevelWarn, "request failed"
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	t.client.cfg.Logger.LogAttrs(ctx, level, message, attrs...)
}

func (t *try) roundTrip(ctx context.Context) (answer, *Error) {
	c := t.client
	sent := &tracer{}
	req, err := http.NewRequestWithContext(sent.watch(ctx), t.request.method, t.url.String(), t.bodyReader())
	if err != nil {
		return answer{}, &Error{kind: ErrInvalid, Message: "the request cannot be built"}
	}
	if t.body != nil {
		req.ContentLength = int64(len(t.body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	req.Header.Set("X-API-Key", c.cfg.APIKey.Reveal())
	if t.projectID != "" {
		req.Header.Set("X-Project-ID", t.projectID)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.transportError(err, sent)
	}
	defer res.Body.Close()
	a := readAnswer(res, c.cfg.MaxAnswer)
	a.body = unescape(a.body)
	c.pace.learn(a.limit)
	if a.truncated() && !t.request.once {
		return a, c.badAnswer(&a) // worth another try; a creation's is salvaged instead
	}
	if e := c.check(&a); e != nil {
		if e.kind == ErrNotFound && !t.request.namesSomething(t.body) {
			e.kind = ErrNoEndpoint
		}
		return a, e
	}
	return a, nil
}

// bodyReader returns the body of one attempt. net/http sends a request again by
// itself, over HTTP/2 even one that was processed, unless it has a body that
// cannot be rewound (net/http: shouldRetryRequest in transport.go and h2_bundle.go).
// A request that must not be sent again therefore has such a body, an empty one if
// need be. Only over HTTP/1.1, where nothing is sent again after the first byte
// was written, it can do without: there an empty body of unknown length would be
// sent in chunks.
func (t *try) bodyReader() io.Reader {
	switch {
	case t.body == nil && (!t.request.once || t.client.http1):
		return http.NoBody
	case t.request.once:
		return struct{ io.Reader }{bytes.NewReader(t.body)}
	}
	return bytes.NewReader(t.body)
}

// sleep waits for d, or returns why it did not.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
