package raffclient

import (
	"context"
	"net/url"
	"time"
)

// A Probe is what one response shows about the API, whatever its status.
type Probe struct {
	// Status is the HTTP status.
	Status int
	// Took is how long the response took.
	Took time.Duration
	// Ahead is how far the API's clock is ahead of that of this computer, with an error of
	// about a second. It is valid only if HasDate.
	Ahead   time.Duration
	HasDate bool
}

// Probe sends one request, which reads at most one key. It repeats the request only to add
// the project that the API requires. The error is an *Error. The Probe is valid whenever
// there was a response, also one that refuses the request; its Status is 0 otherwise.
//
// GET /api/v1/api-keys?limit=1
func (c *Client) Probe(ctx context.Context) (Probe, error) {
	if err := c.LoadKey(ctx); err != nil {
		return Probe{}, err
	}
	s, err := c.newSending(request{method: "GET", path: []string{"api-keys"}, query: url.Values{"limit": {"1"}}})
	if err != nil {
		return Probe{}, err
	}
	defer c.refusals.end(c.cfg.Logger, s)
	if err := c.pace.wait(ctx); err != nil {
		return Probe{}, s.notSent(ctx, err)
	}
	start := time.Now()
	ignore := func(*response) *Error { return nil }
	res, failed := s.attempt(ctx, ignore)
	if failed != nil && failed.kind == ErrProjectRequired {
		if _, retry := s.retryDelay(failed); retry {
			start = time.Now()
			res, failed = s.attempt(ctx, ignore)
		}
	}
	p := Probe{Status: res.status, Took: time.Since(start), HasDate: !res.date.IsZero()}
	if p.HasDate {
		// The header is without fractions of a second; half a second is the mean of them.
		p.Ahead = res.date.Add(time.Second / 2).Sub(start.Add(p.Took / 2))
	}
	if failed != nil { // not a nil *Error in an error
		return p, failed
	}
	return p, nil
}
