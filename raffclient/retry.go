package raffclient

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// maxAttempts bounds how often a request is sent, refusals for the rate
	// limit aside: waiting 1, 2 and 4 s in between.
	maxAttempts = 4
	// maxLimitedAttempts bounds how often a request that must not be done twice
	// is sent if the API refuses it for the rate limit.
	maxLimitedAttempts = 6
	maxBackoff         = 60 * time.Second
)

// next says whether the request may be sent again after err, and when.
func (t *exchange) next(err error) (wait time.Duration, again bool) {
	e, ok := err.(*Error)
	if !ok {
		return 0, false
	}
	if e.kind == ErrProjectRequired && t.projectID == "" && t.client.cfg.ProjectID != "" {
		t.projectID = t.client.cfg.ProjectID
		return 0, true
	}
	if e.ambiguous && t.request.noReplay {
		return 0, false
	}
	switch e.kind {
	case ErrRateLimited:
		wait = t.backoff(e.RetryAfter)
		t.client.pace.pause(wait)
		return wait, !t.request.noReplay || t.attempt < maxLimitedAttempts
	case ErrUnavailable, ErrUnreachable, ErrNoResponse:
		return t.backoff(e.RetryAfter), t.attempt < maxAttempts
	}
	return 0, false
}

// backoff is as long as the API asked for, else 1, 2, 4, … s and up to a
// quarter more, so that clients that failed together do not return together.
func (t *exchange) backoff(asked time.Duration) time.Duration {
	if asked > 0 {
		return asked
	}
	d := min(time.Second<<min(t.attempt-1, 10), maxBackoff)
	return d + rand.N(d/4)
}

// alreadyDeleted reports whether e means that a repeated deletion has succeeded: what
// the first attempt was to delete is not there any more.
func (e *Error) alreadyDeleted(r request, before *Error) bool {
	return r.method == http.MethodDelete && e.kind == ErrNotFound && before != nil && before.ambiguous
}

// retryAfter reads a Retry-After header in its two forms, seconds and date; a
// date is compared with the Date of the same answer, whose clock it is by. It
// is 0 for none or for nonsense.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now))
}

// tracer tells whether a request can have reached the API. net/http reports
// when it begins to look for a connection and when it has one; nothing of the
// request is written before.
type tracer struct {
	mu             sync.Mutex
	asked, granted bool
}

func (t *tracer) watch(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.set(&t.asked) },
		GotConn: func(httptrace.GotConnInfo) { t.set(&t.granted) },
	})
}

// set sets a field for good: net/http may look for a second connection after the
// request was sent on the first.
func (t *tracer) set(field *bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*field = true
}

// neverConnected reports whether it is sure that no connection was had by a
// request that failed with err. A Transport that does not report to httptrace is
// believed only if err is one that comes before anything is written.
func (t *tracer) neverConnected(err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.granted && (t.asked || failedToConnect(err))
}
