package raffclient

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// creation is a request that creates a T. The API's lists show it as an L.
type creation[T, L any] struct {
	request
	resource string // see OutcomeError
	name     string // requested name or e-mail address
	decode   decoder[T]
	// candidate returns the created object as the response describes it, and whether
	// the response contains everything that callers need.
	candidate func(T) (m Candidate, complete bool)
	// acceptFailure accepts a complete response even if it says "success": false.
	acceptFailure bool
	// list is the list in which the new object appears. match returns an element of
	// it as a candidate, and whether it has the requested name.
	list  listing[L]
	match func(L) (m Candidate, similar bool)
}

// create creates an object and never repeats a request that may have succeeded. If the
// response is lost, the error is an *OutcomeError; any other error means that nothing
// was created.
func create[T, L any](ctx context.Context, c *Client, n creation[T, L]) (T, error) {
	start := time.Now()
	lookUp := func(ctx context.Context) ([]match, error) { return findMatches(ctx, c, n, start) }
	n.list.distrustTotal = true
	n.noReplay = true
	n.onAttempt = func() (end func()) { return c.creations.begin(n.name) }
	n.hadNoEffect = func(ctx context.Context, proof bool) bool {
		ctx, cancel := c.lookupContext(ctx)
		defer cancel()
		found, err := lookUp(ctx)
		if !proof {
			return !slices.ContainsFunc(found, match.isRecent)
		}
		// The API refuses requests when other programs are busy. What these create
		// under other names does not matter here.
		return err == nil && !slices.ContainsFunc(found, match.isSimilar)
	}
	created, res, err := callWith(ctx, c, n.request, func(c *Client, res *response) (T, *Error) {
		created, err := n.decode(c, res)
		if m, ok := n.result(created, err != nil && err.reportedFailure); ok {
			c.creations.addCreated(m) // before the attempt ends, for findMatches
		}
		return created, err
	})
	m, ok := n.result(created, reportedFailure(err))
	switch {
	case ok:
		return created, nil
	case err == nil:
		err = &Error{Status: http.StatusCreated, kind: ErrBadResponse, Message: "it does not contain what was created", ambiguous: true}
	}
	var none T
	if !mayHaveSucceeded(err) {
		return none, err
	}
	e := &OutcomeError{Cause: err, Resource: n.resource, Name: n.name}
	if n.identifies(m, start) && !reportedFailure(err) && !c.creations.accountsFor(match{m, true}) {
		m.Confirmed = true
		m.Recent = !res.date.IsZero() && m.createdAfter(serverTime(start, res.date))
		e.Found = []Candidate{m}
	} else {
		c.resolveOutcome(ctx, e, func(ctx context.Context) ([]Candidate, error) {
			found, err := lookUp(ctx)
			return candidates(found), err
		})
	}
	return none, c.report(e)
}

// result returns what a response says was created, and whether the creation has
// succeeded. failed means that the response says "success": false.
func (n creation[T, L]) result(created T, failed bool) (m Candidate, ok bool) {
	m, complete := n.candidate(created)
	return m, complete && (n.acceptFailure || !failed)
}

// identifies reports whether m, from an incomplete response, is the created object. It
// is not if it has another name or is older.
func (n creation[T, L]) identifies(m Candidate, start time.Time) bool {
	before := start.Add(-time.Hour) // the clocks may differ
	return m.ID != "" && similarNames(n.name, m.Name) && !m.createdBefore(before) && !m.usedBefore(before)
}
