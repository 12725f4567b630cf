package raffclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
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
	ID         string
	Name       string // or e-mail address
	Prefix     string // of a key's secret, which nobody has
	CreatedAt  Time
	LastUsedAt Time // of a key

	// Sure says that it was made by the lost request: the answer itself named it.
	Sure bool
	// New says that it was made after the call began, by the server's clock. What
	// is neither Sure nor New may be older, and somebody else's.
	New bool
}

// Error returns what is known, in one line.
func (e *OutcomeError) Error() string {
	switch {
	case e.LookupErr != nil:
		return fmt.Sprintf("%v: %v; looking it up failed: %v", ErrOutcomeUnknown, e.Cause, e.LookupErr)
	case len(e.Found) == 0:
		return fmt.Sprintf("%v; no %s was made", e.Cause, e.Resource)
	}
	return fmt.Sprintf("%v; the %s appeared all the same", e.Cause, e.Resource)
}

// Is reports whether target is ErrOutcomeUnknown.
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap returns the cause.
func (e *OutcomeError) Unwrap() error { return e.Cause }

func mayHaveHappened(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.maybe
}

// creations knows which are on their way, and what was made and answered, so that
// it is not taken for a lost one of the same name.
type creations struct {
	mu       sync.Mutex
	answered map[string]bool // by ID, and by prefix
	onTheWay map[string]map[chan struct{}]bool
}

func newCreations() *creations {
	return &creations{answered: map[string]bool{}, onTheWay: map[string]map[chan struct{}]bool{}}
}

// begin notes that something of that name is on its way to be made, until done is
// called.
func (c *creations) begin(name string) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := make(chan struct{})
	if c.onTheWay[name] == nil {
		c.onTheWay[name] = map[chan struct{}]bool{}
	}
	c.onTheWay[name][ended] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(ended)
		if delete(c.onTheWay[name], ended); len(c.onTheWay[name]) == 0 {
			delete(c.onTheWay, name)
		}
	}
}

// settle waits until what is on its way now, under that name, has arrived.
func (c *creations) settle(ctx context.Context, name string) error {
	c.mu.Lock()
	ended := slices.Collect(maps.Keys(c.onTheWay[name]))
	c.mu.Unlock()
	for _, e := range ended {
		select {
		case <-e:
		case <-ctx.Done():
			return &Error{kind: ErrNotSent, Message: "other creations of that name did not end in time", cause: ctx.Err()}
		}
	}
	return nil
}

func (c *creations) add(m Made) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range []string{m.ID, m.Prefix} {
		if key != "" {
			c.answered[key] = true
		}
	}
}

func (c *creations) has(m Made) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answered[m.ID] || c.answered[m.Prefix]
}

// creation is a request that makes a T, which lists show as an L.
type creation[T, L any] struct {
	request
	resource string
	name     string
	// made tells what an answer says was made; ok if nothing that matters of it
	// is missing.
	made func(T) (m Made, ok bool)
	read func(*Client, *answer) (T, *Error)
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
	n.around = func(send func() (answer, error)) (answer, error) {
		defer c.creations.begin(n.name)()
		a, err := send()
		if err == nil {
			data, bad = n.read(c, &a)
			if m, ok := n.made(data); ok {
				c.creations.add(m)
			}
		}
		return a, err
	}
	_, err := c.call(ctx, n.request)
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
	if n.named(part, start) && (bad == nil || !bad.denied) {
		part.Sure = true
		e.Found = []Made{part}
	} else {
		c.lookFor(ctx, e, func(ctx context.Context) ([]Made, error) { return lost(ctx, c, n, start) })
	}
	return none, c.report(e)
}

// named reports whether an answer without all that matters names what was made. An
// answer that names something else, or something older, names nothing.
func (n creation[T, L]) named(m Made, start time.Time) bool {
	before := start.Add(-time.Hour) // its own clock said nothing
	return m.ID != "" && sameName(m.Name, n.name) && !m.createdBefore(before) && !m.usedBefore(before)
}

// lookAfter is how long to wait before each look for something whose answer was
// lost. The API may still be making it when the connection is long gone.
var lookAfter = []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}

// lookFor finds out what became of a request whose answer was lost, even if ctx
// was cancelled.
func (c *Client) lookFor(ctx context.Context, e *OutcomeError, look func(context.Context) ([]Made, error)) {
	ctx, cancel := context.WithTimeout(urgent(context.WithoutCancel(ctx)), c.cfg.RequestTimeout)
	defer cancel()
	for _, wait := range lookAfter {
		if sleep(ctx, wait) != nil {
			return
		}
		if e.Found, e.LookupErr = look(ctx); len(e.Found) > 0 {
			return
		}
	}
}

// report logs e, for the administrator may be the only one to learn of it, and
// makes it fit to be quoted.
func (c *Client) report(e *OutcomeError) *OutcomeError {
	for i := range e.Found {
		m := &e.Found[i]
		m.ID, m.Name, m.Prefix = c.clean(m.ID), c.clean(m.Name), c.clean(m.Prefix)
		m.CreatedAt, m.LastUsedAt = Time(c.clean(string(m.CreatedAt))), Time(c.clean(string(m.LastUsedAt)))
		c.cfg.Logger.Error("an answer was lost, and this may be what the request made; the caller was told, unless it has gone",
			"resource", e.Resource, "id", m.ID, "name", m.Name, "prefix", m.Prefix)
	}
	if e.LookupErr != nil {
		c.cfg.Logger.Error("an answer was lost, and what the request made could not be looked up",
			"resource", e.Resource, "name", c.clean(e.Name), "error", e.LookupErr)
	}
	return e
}

// lost lists what n may have made since start, and is not known. That it finds
// nothing means something only if the list is whole.
func lost[T, L any](ctx context.Context, c *Client, n creation[T, L], start time.Time) ([]Made, error) {
	var found []Made
	whole := false // an empty list without a total is no list at all
	for p, err := range n.list(ctx) {
		if err != nil {
			return found, err
		}
		whole = whole || len(p.items) > 0 || p.total != nil
		since := serverTime(start, p.date)
		for _, item := range p.items {
			m, ok := n.found(item)
			if !ok || m.usedBefore(since) || m.createdBefore(since.Add(-clockSlack)) {
				continue
			}
			m.New = !p.date.IsZero() && m.createdAfter(since)
			found = append(found, m)
		}
	}
	if !whole {
		return nil, incomplete("it is empty, without a total")
	}
	if len(found) == 0 {
		return nil, nil
	}
	// Others of this name may be among what was found.
	if err := c.creations.settle(ctx, n.name); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, c.creations.has), nil
}

// clockSlack is how far the clock that made created_at may be behind the one that
// made the Date of an answer.
const clockSlack = 2 * time.Minute

// serverTime converts a moment of our clock to the server's, whose clock said
// date just now. It errs on the early side, by a second or two. Without a date it
// is our own time, less an hour.
func serverTime(at, date time.Time) time.Time {
	if date.IsZero() {
		return at.Add(-time.Hour)
	}
	// Date has whole seconds, and so may created_at have.
	return date.Add(-time.Since(at)).Add(-time.Second)
}

func (m Made) createdBefore(t time.Time) bool {
	at, ok := m.CreatedAt.Time()
	return ok && at.Before(t)
}

func (m Made) createdAfter(t time.Time) bool {
	at, ok := m.CreatedAt.Time()
	return ok && !at.Before(t)
}

// usedBefore reports whether m was in use already: a key that is new is not.
func (m Made) usedBefore(t time.Time) bool {
	at, ok := m.LastUsedAt.Time()
	return ok && at.Before(t)
}

// sameName reports whether two names are the same but for case and white space,
// which the API may have changed.
func sameName(a, b string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(a), " "), strings.Join(strings.Fields(b), " "))
}
