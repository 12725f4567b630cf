package raffclient

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAttempts is the number of attempts after which a request is not repeated,
	// unless the API refused it because of the rate limit. The delays between them are
	// 1, 2 and 4 s.
	maxAttempts = 4
	// maxLimitedAttempts is the maximum number of attempts of a request with noReplay
	// that the API refuses because of the rate limit.
	maxLimitedAttempts = 6
	maxBackoff         = 60 * time.Second
)

// retryDelay reports whether the request may be repeated after an attempt failed
// with e, and how long to wait first.
func (s *sending) retryDelay(e *Error) (delay time.Duration, retry bool) {
	if e.kind == ErrProjectRequired && s.projectID == "" && s.client.cfg.ProjectID != "" {
		s.projectID = s.client.cfg.ProjectID
		return 0, true
	}
	if e.ambiguous && s.request.noReplay {
		return 0, false
	}
	switch e.kind {
	case ErrRateLimited:
		delay = s.backoff(e.RetryAfter)
		s.client.pace.pause(delay)
		return delay, !s.request.noReplay || s.attempts < maxLimitedAttempts
	case ErrUnavailable, ErrUnreachable, ErrNoResponse:
		return s.backoff(e.RetryAfter), s.attempts < maxAttempts
	}
	return 0, false
}

// backoff returns how long to wait before the next attempt: retryAfter if the API
// sent it, or else 1, 2, 4, … s. Up to a quarter is added at random, so that clients
// that failed together do not return together.
func (s *sending) backoff(retryAfter time.Duration) time.Duration {
	if retryAfter > 0 {
		return retryAfter
	}
	d := min(time.Second<<min(s.attempts-1, 10), maxBackoff)
	return d + rand.N(d/4)
}

// alreadyDeleted reports whether e, of a repeated deletion, means that the object
// no longer exists because an earlier attempt deleted it.
func (s *sending) alreadyDeleted(e *Error) bool {
	return s.request.method == http.MethodDelete && e.kind == ErrNotFound && s.ambiguous()
}

// retryAfter parses a Retry-After header, which contains seconds or a date. It
// returns 0 if there is none or if it is invalid. A date is compared with the Date
// of the same response, since both are by the server's clock.
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
