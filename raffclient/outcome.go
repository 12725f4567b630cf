package raffclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// OutcomeError reports a creation, or a regeneration, that was sent but whose
// answer was lost or came without the secret. errors.Is(err, ErrOutcomeUnknown)
// recognizes it.
type OutcomeError struct {
	// Cause is why the answer is missing.
	Cause error
	// Resource is what was to be made: "API key", "role", "project", "member" or
	// "invitation".
	Resource string
	// Name is the name, or the e-mail address, that it was to have.
	Name string
	// Found is what the lost request may have made: it appeared since the call
	// began, and is not what another call of this Client made. Usually there is
	// one. If there is none and LookupErr is nil, nothing was made, and the call
	// can be made again. After a lost regeneration it is the key, if it has
	// another secret now.
	Found []Made
	// LookupErr is why nothing could be looked up; nil if it could.
	LookupErr error
}

// Made is something that a lost request may have made.
type Made struct {
	ID        string
	Name      string // or e-mail address
	Prefix    string // of a key's secret, which nobody has
	CreatedAt Time
}

// Error returns what is known, in one line.
func (e *OutcomeError) Error() string {
	switch {
	case e.LookupErr != nil:
		return fmt.Sprintf("%v: %v; looking it up failed: %v", ErrOutcomeUnknown, e.Cause, e.LookupErr)
	case len(e.Found) == 0:
		return fmt.Sprintf("%v; no %s was made", e.Cause, e.Resource)
	}
	return fmt.Sprintf("%v; a %s appeared all the same", e.Cause, e.Resource)
}

// Is reports whether target is ErrOutcomeUnknown.
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Cause }

func mayHaveHappened(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.maybe
}

// made knows what was made and answered, so that it is not taken for a lost one
// of the same name.
type made struct {
	mu  sync.Mutex
	ids map[string]bool

	// onTheWay has one unit taken for each creation on its way; a lookup takes
	// all, so that what it finds is either known or lost. (A lock that waits
	// under a context: sync.RWMutex does not.)
	onTheWay *semaphore.Weighted
}

const everyone = 1 << 30

func newMade() *made {
	return &made{ids: map[string]bool{}, onTheWay: semaphore.NewWeighted(everyone)}
}

func (m *made) add(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids[id] = true
}

func (m *made) has(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids[id]
}

// creation is a request that makes a T, which lists show as an L.
type creation[T, L any] struct {
	request
	resource string
	name     string
	// made tells what an answer says was made; ok if nothing that matters of it
	// is missing.
	made func(T) (m Made, ok bool)
	// list yields what there is now, and found tells what of it may be what was
	// asked for.
	list  func(ctx context.Context) iter.Seq2[page[L], error]
	found func(L) (m Made, ok bool)
}

// create makes something, once. If the answer is lost, the error is an
// *OutcomeError; any other error means that nothing was made.
func create[T, L any](ctx context.Context, c *Client, n creation[T, L]) (T, error) {
	var data T
	var bad *Error
	start := time.Now()
	n.once = true
	// While a creation is on its way, nothing is looked up: what the lookup found
	// could be its result.
	n.around = func(ctx context.Context, send func() (answer, error)) (answer, error) {
		if err := c.made.onTheWay.Acquire(ctx, 1); err != nil {
			return answer{}, &Error{kind: ErrNotSent, Message: "an earlier creation was still being looked up", cause: err}
		}
		defer c.made.onTheWay.Release(1)
		a, err := send()
		if err == nil {
			data, bad = decode[T](c, &a)
			if m, ok := n.made(data); ok {
				c.made.add(m.ID)
			}
		}
		return a, err
	}
	err := c.call(ctx, n.request)
	part, ok := n.made(data)
	switch {
	case ok:
		return data, nil
	case err == nil && bad != nil:
		err = bad
	case err == nil:
		err = &Error{Status: http.StatusCreated, kind: ErrBadAnswer, Message: "it does not hold what was made", maybe: true}
	}
	var none T
	if !mayHaveHappened(err) {
		return none, err
	}
	e := &OutcomeError{Cause: err, Resource: n.resource, Name: n.name}
	if part.ID != "" {
		e.Found = []Made{part}
		return none, e
	}
	return none, c.lookFor(ctx, e, func(ctx context.Context) ([]Made, error) { return lost(ctx, c, n, start) })
}

// lookAfter is when to look for something whose answer was lost. The API may
// still be making it when the connection is long gone.
var lookAfter = []time.Duration{0, time.Second, 3 * time.Second}

// lookFor finds out what became of a request whose answer was lost, even if ctx
// was cancelled.
func (c *Client) lookFor(ctx context.Context, e *OutcomeError, look func(context.Context) ([]Made, error)) *OutcomeError {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.RequestTimeout)
	defer cancel()
	for _, wait := range lookAfter {
		if sleep(ctx, wait) != nil {
			break
		}
		if e.Found, e.LookupErr = look(ctx); len(e.Found) > 0 {
			break
		}
	}
	ids := make([]string, 0, len(e.Found))
	for _, m := range e.Found {
		ids = append(ids, m.ID)
	}
	c.cfg.Logger.Warn("the answer to a creation was lost", "resource", e.Resource, "found", ids, "lookup_error", e.LookupErr)
	return e
}

// lost lists what n may have made since start, and is not known.
func lost[T, L any](ctx context.Context, c *Client, n creation[T, L], start time.Time) ([]Made, error) {
	if err := c.made.onTheWay.Acquire(ctx, everyone); err != nil {
		return nil, &Error{kind: ErrNotSent, Message: "other creations did not end in time", cause: err}
	}
	defer c.made.onTheWay.Release(everyone)
	var found []Made
	for p, err := range n.list(ctx) {
		if err != nil {
			return found, err
		}
		since := serverTime(start, p.date)
		for _, item := range p.items {
			if m, ok := n.found(item); ok && !c.made.has(m.ID) && !m.createdBefore(since) {
				found = append(found, m)
			}
		}
	}
	return found, nil
}

// serverTime converts a moment of our clock to the server's, whose clock said
// date just now. It errs on the early side, by a second or two. Without a
// date it is zero: nothing is known of the server's clock.
func serverTime(at, date time.Time) time.Time {
	if date.IsZero() {
		return time.Time{}
	}
	// Date has whole seconds, and so may created_at have.
	return date.Add(-time.Since(at)).Add(-time.Second)
}

// createdBefore reports whether m surely was made before since.
func (m Made) createdBefore(since time.Time) bool {
	at, ok := m.CreatedAt.Time()
	return ok && at.Before(since)
}
