package raffclient

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// do sends r, repeats it if necessary, and decodes the response. The error is an
// *Error. Each attempt goes through these steps, in this order:
//
//  1. Wait until the rate limit permits a request.
//  2. Send the request, log the attempt, and decode a successful response (see
//     attempt).
//  3. If the API rejected the client's own key, read that again (see renewKey). If it has
//     changed, send the request again at once.
//  4. If it failed for another reason, decide whether it may be repeated, and when (see
//     retryDelay).
//  5. Report the delay to Config.OnWait, and wait.
//  6. If the API refused a creation because of the rate limit, check that it created
//     nothing nevertheless.
//
// Config.CallTimeout bounds all attempts together. Before that, the client's own key is
// read if that has not been done yet.
func (c *Client) do(ctx context.Context, r request, decode func(*response) *Error) (response, error) {
	if err := c.LoadKey(ctx); err != nil {
		return response{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	s, err := c.newSending(r)
	if err != nil {
		return response{}, err
	}
	defer c.refusals.end(c.cfg.Logger, s)
	sendBy, _ := ctx.Deadline()
	if r.noReplay {
		// Leave time for the response, and to look up the outcome if it is lost.
		sendBy = sendBy.Add(-2 * c.cfg.RequestTimeout)
	}
	sendCtx, cancelSend := context.WithDeadline(ctx, sendBy)
	defer cancelSend()

	for {
		if err := c.pace.wait(sendCtx); err != nil {
			return response{}, s.notSent(ctx, err)
		}
		res, err := s.attempt(ctx, decode)
		if err == nil {
			return res, nil
		}
		if s.renewKey(sendCtx, err) {
			continue
		}
		delay, retry := s.retryDelay(err)
		if !retry || time.Now().Add(delay).After(sendBy) {
			return res, err
		}
		if c.cfg.OnWait != nil && delay > 0 {
			c.cfg.OnWait(ctx, Wait{For: delay, Because: err, Attempts: s.attempts})
		}
		if err := sleep(sendCtx, delay); err != nil {
			return response{}, s.notSent(ctx, err)
		}
		if err.kind == ErrRateLimited && r.hadNoEffect != nil && !r.hadNoEffect(ctx, s.attempts >= 2) {
			err.ambiguous = true
			return res, err
		}
	}
}

// sending is a request and the state of its attempts.
type sending struct {
	client  *Client
	request request
	url     *url.URL
	body    []byte // nil: no body

	attempts  int    // so far
	projectID string // to send as X-Project-ID; "" until the API requires it
	last      *Error // of the last attempt that failed

	key    Secret // the client's own, of the last attempt
	read   int    // the last reading of the key that had ended before the call
	reread bool   // the key was read again because of this request
}

func (c *Client) newSending(r request) (*sending, error) {
	u, err := c.url(r)
	if err != nil {
		return nil, err
	}
	body, err := r.encodeBody()
	if err != nil {
		return nil, err
	}
	_, read := c.key.get()
	return &sending{client: c, request: r, url: u, body: body, read: read}, nil
}

// attempt sends the request once and logs that. If it succeeded, attempt decodes
// the response before the attempt ends for request.onAttempt.
func (s *sending) attempt(ctx context.Context, decode func(*response) *Error) (response, *Error) {
	if s.request.onAttempt != nil {
		defer s.request.onAttempt()()
	}
	s.attempts++
	s.key, _ = s.client.key.get()
	start := time.Now()
	res, err := s.send(ctx)
	s.log(ctx, res.status, time.Since(start), err)
	if err != nil && err.kind == ErrRateLimited {
		s.client.refusals.add(s.client.cfg.Logger, s)
	}
	if err == nil {
		err = decode(&res)
		return res, err
	}
	if s.alreadyDeleted(err) {
		return response{}, nil
	}
	err.ambiguous = err.ambiguous || s.ambiguous()
	s.last = err
	return res, err
}

// send makes one HTTP request and reads the response.
func (s *sending) send(ctx context.Context) (response, *Error) {
	c := s.client
	if s.request.noReplay {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()

	conn := &connTracer{}
	req, err := s.httpRequest(conn.trace(ctx))
	if err != nil {
		return response{}, &Error{kind: ErrInvalid, Message: "the request cannot be built"}
	}
	httpRes, err := c.http.Do(req)
	if err != nil {
		return response{}, c.transportError(err, conn)
	}
	defer httpRes.Body.Close()
	res := readResponse(httpRes, c.cfg.MaxResponseBytes)
	c.pace.learn(res.limit)
	return res, s.failure(&res)
}

// failure returns the error that res stands for, or nil if the request succeeded.
func (s *sending) failure(res *response) *Error {
	// A truncated response is worth another attempt. One to a creation is still searched
	// for the secret.
	if res.truncated() && !s.request.noReplay {
		return s.client.badResponse(res)
	}
	e := s.client.statusError(res)
	if e != nil && e.kind == ErrNotFound && !s.hasID() {
		e.kind = ErrNoEndpoint
	}
	return e
}

// ambiguous reports whether an attempt that failed may have been processed.
func (s *sending) ambiguous() bool { return s.last != nil && s.last.ambiguous }

func (s *sending) log(ctx context.Context, status int, took time.Duration, err *Error) {
	level, message := slog.LevelDebug, "request"
	attrs := []slog.Attr{
		slog.String("method", s.request.method),
		slog.String("path", s.client.Sanitize(s.url.Path)),
		slog.Duration("duration", took.Round(time.Microsecond)),
		slog.Int("attempt", s.attempts),
	}
	if status != 0 { // there was a response
		attrs = append(attrs, slog.Int("status", status))
	}
	if err != nil {
		level, message = slog.LevelWarn, "request failed"
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if err != nil && err.kind == ErrRateLimited {
		level = slog.LevelDebug // refusals logs it
	}
	s.client.cfg.Logger.LogAttrs(ctx, level, message, attrs...)
}

// notSent returns the error of a call that ended with err while it waited to send
// the request. Unless the caller cancelled the call, that is the error of the last
// attempt, if there was one, which says more about what happened.
func (s *sending) notSent(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) || cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return &Error{kind: ErrNotSent, Message: "cancelled before it was sent", cause: cause, ambiguous: s.ambiguous()}
	}
	if s.last != nil {
		return s.last
	}
	return &Error{kind: ErrRateLimited, Message: "timed out waiting for the rate limit", cause: err}
}

// sleep waits for d. If ctx ends first, or at the same time, it returns the error
// of ctx.
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

// call sends r and returns the object in its response. The error is an *Error.
func call[T any](ctx context.Context, c *Client, r request) (T, response, error) {
	return callWith(ctx, c, r, decodeResource[T])
}

// callList sends r and returns the objects in its response.
func callList[T any](ctx context.Context, c *Client, r request) ([]T, response, error) {
	return callWith(ctx, c, r, decodeList[T])
}

// callWith sends r and returns its response as decoded by decode. If decode returns
// an error, callWith returns the value as well: it may contain a secret.
func callWith[T any](ctx context.Context, c *Client, r request, decode decoder[T]) (value T, res response, err error) {
	res, err = c.do(ctx, r, func(res *response) (err *Error) {
		value, err = decode(c, res)
		return err
	})
	return value, res, err
}

// byID sends r, which refers to the object with the ID want, and returns the object.
// It returns an error if the response contains another object, because the caller
// would continue with that one.
func byID[T any](ctx context.Context, c *Client, r request, want string, id func(T) string) (T, response, error) {
	object, res, err := call[T](ctx, c, r)
	if got := id(object); err == nil && got != "" && !strings.EqualFold(got, want) {
		var none T
		return none, res, &Error{Status: res.status, kind: ErrBadResponse, ambiguous: true, Message: "it describes an object with another ID"}
	}
	return object, res, err
}

// remove sends a DELETE. A successful response needs neither data nor a body.
func (c *Client) remove(ctx context.Context, path ...string) error {
	_, err := c.do(ctx, request{method: http.MethodDelete, path: path}, func(res *response) *Error {
		if res.empty() {
			return nil
		}
		_, err := decodeData(c, res, func(json.RawMessage) (struct{}, error) { return struct{}{}, nil })
		return err
	})
	return err
}
