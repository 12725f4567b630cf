package raffclient

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// OutcomeError reports a creation or a regeneration that was sent, but whose
// response was lost or lacked the secret. It matches ErrOutcomeUnknown.
type OutcomeError struct {
	// Cause is the reason why there is no usable response.
	Cause error
	// Resource is what was to be created: "API key", "role", "project", "member"
	// or "invitation".
	Resource string
	// Name is the name or the e-mail address that was requested.
	Name string
	// Found contains what the lost request may have created: it appeared since the
	// call began, and no other call of this Client created it. Usually there is one
	// candidate. If there is none and LookupErr is nil, nothing was created, and the
	// call can be repeated. After a lost regeneration, Found contains the key if its
	// secret has changed.
	Found []Candidate
	// LookupErr is the error of the lookup; nil if it succeeded.
	LookupErr error
}

// Candidate is an object that a lost request may have created.
type Candidate struct {
	ID         string
	Name       string    // or e-mail address
	Prefix     string    // of a key; nobody has the rest of its secret
	CreatedAt  Timestamp // "" if the API does not show it
	LastUsedAt Timestamp // of a key

	// Confirmed means that the lost request created it: the response itself named it.
	Confirmed bool
	// Recent means that it has the requested name, as far as the API keeps names
	// unchanged, and was created after the call began, by the server's clock. A
	// candidate that is neither Confirmed nor Recent may have been created by
	// somebody else.
	Recent bool
}

// Error returns a description on one line.
func (e *OutcomeError) Error() string {
	switch {
	case e.LookupErr != nil:
		return fmt.Sprintf("%v: %v; looking it up failed: %v", ErrOutcomeUnknown, e.Cause, e.LookupErr)
	case len(e.Found) == 0:
		return fmt.Sprintf("%v; no %s was created", e.Cause, e.Resource)
	}
	return fmt.Sprintf("%v; the %s appeared nevertheless", e.Cause, e.Resource)
}

// Is reports whether target is ErrOutcomeUnknown.
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Cause }

// lookupDelays are the delays before each lookup. The API may still be processing a
// request long after its connection was lost.
var lookupDelays = []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}

// lookupContext returns a context for looking up the outcome of a request. It is
// valid even if ctx was cancelled, and its requests do not queue for the rate limit.
func (c *Client) lookupContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(urgent(context.WithoutCancel(ctx)), c.cfg.RequestTimeout)
}

// resolveOutcome looks up what a lost request created and stores it in e. It repeats
// the lookup until that finds a recent candidate.
func (c *Client) resolveOutcome(ctx context.Context, e *OutcomeError, lookUp func(context.Context) ([]Candidate, error)) {
	ctx, cancel := c.lookupContext(ctx)
	defer cancel()
	for _, delay := range lookupDelays {
		if sleep(ctx, delay) != nil {
			return
		}
		found, err := lookUp(ctx)
		if len(e.Found) > 0 && len(found) == 0 {
			return // what an earlier lookup found remains a candidate
		}
		e.Found, e.LookupErr = found, err
		if slices.ContainsFunc(found, func(m Candidate) bool { return m.Recent }) {
			break
		}
	}
	if len(e.Found) == 1 && e.Found[0].Recent {
		c.creations.addReported(e.Found[0])
	}
}

// report sanitizes e and logs it: if the caller no longer waits, only the log names
// what was created.
func (c *Client) report(e *OutcomeError) *OutcomeError {
	for i := range e.Found {
		m := &e.Found[i]
		m.ID, m.Name, m.Prefix = c.Sanitize(m.ID), c.Sanitize(m.Name), c.Sanitize(m.Prefix)
		m.CreatedAt, m.LastUsedAt = Timestamp(c.Sanitize(string(m.CreatedAt))), Timestamp(c.Sanitize(string(m.LastUsedAt)))
		c.cfg.Logger.Error("a response was lost, and this may be what the request created; the result of the call says so, unless the client is gone",
			"resource", e.Resource, "id", m.ID, "name", m.Name, "prefix", m.Prefix)
	}
	if e.LookupErr != nil {
		c.cfg.Logger.Error("a response was lost, and what the request created could not be looked up",
			"resource", e.Resource, "name", c.Sanitize(e.Name), "error", e.LookupErr)
	}
	return e
}
