package raffclient

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// OutcomeError reports a creation that was sent but whose answer was lost, or
// came without the secret. errors.Is(err, ErrOutcomeUnknown) recognizes it.
type OutcomeError struct {
	// Cause is why the answer is missing.
	Cause error
	// Name is the name that the key was to have.
	Name string
	// Keys are the keys of that name that the lost request may have made: they
	// appeared since the call began, and nobody got their secret through this
	// Client. Usually there is one. If there is none and LookupErr is nil,
	// nothing was made, and the call can be made again.
	Keys []APIKey
	// LookupErr is why the keys could not be looked up; nil if they were.
	LookupErr error
}

// Error returns what is known, in one line.
func (e *OutcomeError) Error() string {
	switch {
	case e.LookupErr != nil:
		return fmt.Sprintf("%v: %v; looking it up failed: %v", ErrOutcomeUnknown, e.Cause, e.LookupErr)
	case len(e.Keys) == 0:
		return fmt.Sprintf("%v; no key was made", e.Cause)
	}
	return fmt.Sprintf("%v; %d key(s) appeared, with a secret that nobody has", e.Cause, len(e.Keys))
}

// Is reports whether target is ErrOutcomeUnknown.
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Cause }

func mayHaveHappened(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.maybe
}

// made knows the keys whose secrets were handed out, so that they are not
// taken for a lost one of the same name.
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

// creating sends the request that creates a key, and notes which key it made.
func (c *Client) creating(ctx context.Context, send func() (answer, error)) (answer, error) {
	if err := c.made.onTheWay.Acquire(ctx, 1); err != nil {
		return answer{}, &Error{kind: ErrNotSent, Message: "an earlier creation was still being looked up", cause: err}
	}
	defer c.made.onTheWay.Release(1)
	a, err := send()
	if err == nil {
		type delivered struct {
			ID     string `json:"id"`
			Secret Secret `json:"secret"`
		}
		if key, _ := decode[delivered](c, &a); !key.Secret.Empty() {
			c.made.add(key.ID)
		}
	}
	return a, err
}

// lookAfter is when to look for a key whose answer was lost. The API may still
// be making it when the connection is long gone.
var lookAfter = []time.Duration{0, time.Second, 3 * time.Second}

// findCreated finds out what became of a creation whose answer was lost. part
// is what could be read of it; the look is made even if ctx was cancelled.
func (c *Client) findCreated(ctx context.Context, start time.Time, name string, part APIKey, cause error) error {
	e := &OutcomeError{Cause: cause, Name: name}
	if part.ID != "" {
		e.Keys = []APIKey{part}
		return e
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.RequestTimeout)
	defer cancel()
	for _, wait := range lookAfter {
		if sleep(ctx, wait) != nil {
			break
		}
		if e.Keys, e.LookupErr = c.lookForCreated(ctx, start, name); len(e.Keys) > 0 {
			break
		}
	}
	ids := make([]string, 0, len(e.Keys))
	for _, k := range e.Keys {
		ids = append(ids, k.ID)
	}
	c.cfg.Logger.Warn("the answer to a creation was lost", "found", ids, "lookup_error", e.LookupErr)
	return e
}

// lookForCreated lists the keys of that name that may have been made since
// start and are not known.
func (c *Client) lookForCreated(ctx context.Context, start time.Time, name string) ([]APIKey, error) {
	if err := c.made.onTheWay.Acquire(ctx, everyone); err != nil {
		return nil, &Error{kind: ErrNotSent, Message: "other creations did not end in time", cause: err}
	}
	defer c.made.onTheWay.Release(everyone)
	var found []APIKey
	for p, err := range c.apiKeyPages(ctx) {
		if err != nil {
			return found, err
		}
		since := serverTime(start, p.date)
		for _, key := range p.items {
			if key.Name == name && !c.made.has(key.ID) && !createdBefore(key, since) {
				found = append(found, key)
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

func createdBefore(key APIKey, since time.Time) bool {
	at, ok := key.CreatedAt.Time()
	return ok && at.Before(since)
}
