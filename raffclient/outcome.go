package raffclient

import (
	"context"
	"errors"
	"fmt"
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
	CreatedAt  Timestamp
	LastUsedAt Timestamp // of a key

	// Sure says that it was made by the lost request: the answer itself named it.
	Sure bool
	// New says that it has the name that was asked for, as far as the API keeps
	// names as they are, and was made after the call began, by the server's clock.
	// What is neither Sure nor New may be somebody else's.
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
	answered map[string]bool          // by ID
	prefixes map[string]bool          // of what was answered; true if the answer lacked the ID
	reported map[string]bool          // by ID: found to be what another lost request made
	onTheWay map[chan struct{}]string // the name that each is to have
}

func newCreations() *creations {
	return &creations{answered: map[string]bool{}, prefixes: map[string]bool{}, reported: map[string]bool{}, onTheWay: map[chan struct{}]string{}}
}

// begin notes that something of that name is on its way to be made, until done is
// called.
func (c *creations) begin(name string) (done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := make(chan struct{})
	c.onTheWay[ended] = name
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(ended)
		delete(c.onTheWay, ended)
	}
}

// settle waits until what is on its way now has arrived: all of it, or what is to
// have a name similar to that one.
func (c *creations) settle(ctx context.Context, all bool, name string) error {
	c.mu.Lock()
	var ended []chan struct{}
	for e, other := range c.onTheWay {
		if all || similarNames(name, other) {
			ended = append(ended, e)
		}
	}
	c.mu.Unlock()
	for _, e := range ended {
		select {
		case <-e:
		case <-ctx.Done():
			return &Error{kind: ErrNotSent, Message: "other creations did not end in time", cause: ctx.Err()}
		}
	}
	return nil
}

func (c *creations) add(m Made) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID != "" {
		c.answered[strings.ToLower(m.ID)] = true
	}
	if len(prefixBody(m.Prefix)) >= prefixLength-len("raff_") {
		c.prefixes[m.Prefix] = c.prefixes[m.Prefix] || m.ID == ""
	}
}

func (c *creations) report(m Made) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID != "" {
		c.reported[m.ID] = true
	}
}

// explain reports whether it is known which request made m. What a lost request
// was found to have made explains what has another name than was asked for, but
// not what has that name.
// A prefix explains only what lacks an ID on one of the sides: an API may show the
// same prefix of every key.
func (c *creations) explain(m candidate) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	withoutID, known := c.prefixes[m.Prefix]
	return c.answered[strings.ToLower(m.ID)] || known && (withoutID || m.ID == "") || !m.similar && c.reported[m.ID]
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
	// keep says that an answer with all that matters counts, even if it says
	// "success": false.
	keep bool
	// list is where what was made appears, and found tells what of it looks like
	// what was asked for.
	list  listing[L]
	found func(L) (m Made, similar bool)
}

// create makes something, once. If the answer is lost, the error is an
// *OutcomeError; any other error means that nothing was made.
func create[T, L any](ctx context.Context, c *Client, n creation[T, L]) (T, error) {
	var data T
	var bad *Error
	var date time.Time // of the answer
	start := time.Now()
	counts := func() (Made, bool) {
		m, ok := n.made(data)
		return m, ok && (n.keep || bad == nil || !bad.denied)
	}
	n.list.proven = true
	n.once = true
	n.around = func(send func() (answer, error)) (answer, error) {
		defer c.creations.begin(n.name)()
		a, err := send()
		if err == nil {
			data, bad = n.read(c, &a)
			date = a.date
			if m, ok := counts(); ok {
				c.creations.add(m)
			}
		}
		return a, err
	}
	look := func(ctx context.Context) ([]candidate, error) { return lost(ctx, c, n, start) }
	n.absent = func(ctx context.Context, certain bool) bool {
		ctx, cancel := c.forLookup(ctx)
		defer cancel()
		found, err := look(ctx)
		if !certain {
			return !slices.ContainsFunc(found, candidate.isNew)
		}
		// Refusals for the rate limit come when other programs are busy, whose
		// creations are not of interest here.
		return err == nil && !slices.ContainsFunc(found, candidate.isSimilar)
	}
	_, err := c.call(ctx, n.request)
	part, ok := counts()
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
	if n.named(part, start) && (bad == nil || !bad.denied) && !c.creations.explain(candidate{part, true}) {
		part.Sure = true
		part.New = !date.IsZero() && part.createdAfter(serverTime(start, date))
		e.Found = []Made{part}
	} else {
		c.lookFor(ctx, e, func(ctx context.Context) ([]Made, error) {
			found, err := look(ctx)
			return made(found), err
		})
	}
	return none, c.report(e)
}

// named reports whether an answer without all that matters names what was made. An
// answer that names something else, or something older, names nothing.
func (n creation[T, L]) named(m Made, start time.Time) bool {
	before := start.Add(-time.Hour) // its own clock said nothing
	return m.ID != "" && similarNames(n.name, m.Name) && !m.createdBefore(before) && !m.usedBefore(before)
}

// lookAfter is how long to wait before each look for something whose answer was
// lost. The API may still be making it when the connection is long gone.
var lookAfter = []time.Duration{0, time.Second, 3 * time.Second, 7 * time.Second}

// forLookup returns a context for finding out what became of a request whose
// answer was lost, even if ctx was cancelled.
func (c *Client) forLookup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(urgent(context.WithoutCancel(ctx)), c.cfg.RequestTimeout)
}

// lookFor finds out what became of a request whose answer was lost. It goes on
// while it finds nothing, or only what may be somebody else's.
func (c *Client) lookFor(ctx context.Context, e *OutcomeError, look func(context.Context) ([]Made, error)) {
	ctx, cancel := c.forLookup(ctx)
	defer cancel()
	for _, wait := range lookAfter {
		if sleep(ctx, wait) != nil {
			return
		}
		found, err := look(ctx)
		if len(e.Found) > 0 && len(found) == 0 {
			return // of the two, what was found counts
		}
		e.Found, e.LookupErr = found, err
		if slices.ContainsFunc(found, func(m Made) bool { return m.New }) {
			break
		}
	}
	if len(e.Found) == 1 && e.Found[0].New {
		c.creations.report(e.Found[0])
	}
}

// report logs e, for the administrator may be the only one to learn of it, and
// makes it fit to be quoted.
func (c *Client) report(e *OutcomeError) *OutcomeError {
	for i := range e.Found {
		m := &e.Found[i]
		m.ID, m.Name, m.Prefix = c.clean(m.ID), c.clean(m.Name), c.clean(m.Prefix)
		m.CreatedAt, m.LastUsedAt = Timestamp(c.clean(string(m.CreatedAt))), Timestamp(c.clean(string(m.LastUsedAt)))
		c.cfg.Logger.Error("an answer was lost, and this may be what the request made; the caller was told, unless it has gone",
			"resource", e.Resource, "id", m.ID, "name", m.Name, "prefix", m.Prefix)
	}
	if e.LookupErr != nil {
		c.cfg.Logger.Error("an answer was lost, and what the request made could not be looked up",
			"resource", e.Resource, "name", c.clean(e.Name), "error", e.LookupErr)
	}
	return e
}

// candidate is something that a lost request may have made.
type candidate struct {
	Made
	similar bool // it is named as was asked for
}

func (m candidate) isSimilar() bool { return m.similar }
func (m candidate) isNew() bool     { return m.New }

// isVague reports whether m has another name than was asked for and no known age.
func (m candidate) isVague() bool {
	_, dated := m.CreatedAt.Time()
	return !m.similar && !dated
}

// lost lists what n may have made since start. That it finds nothing means
// something only if the list is whole. If something new has the right name, it
// leaves out the rest.
func lost[T, L any](ctx context.Context, c *Client, n creation[T, L], start time.Time) ([]candidate, error) {
	var all []candidate
	whole := false // an empty list without a total is no list at all
	for p, err := range pages(ctx, c, n.list) {
		if err != nil {
			all = slices.DeleteFunc(all, c.creations.explain)
			for i := range all {
				all[i].New = false // calls on their way were not waited for
			}
			return all, err
		}
		whole = whole || len(p.items) > 0 || p.total != nil
		since := serverTime(start, p.date)
		for _, item := range p.items {
			m := candidate{}
			m.Made, m.similar = n.found(item)
			if m.mayBeNew(since, p.date) {
				m.New = m.similar && !p.date.IsZero() && m.createdAfter(since)
				all = append(all, m)
			}
		}
	}
	if !whole {
		return nil, incomplete("it is empty, without a total")
	}
	if len(all) == 0 {
		return nil, nil
	}
	// What other calls are making may be among what was found.
	if err := c.creations.settle(ctx, !slices.ContainsFunc(all, candidate.isSimilar), n.name); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, c.creations.explain)
	if slices.ContainsFunc(all, candidate.isSimilar) {
		all = slices.DeleteFunc(all, candidate.isVague)
	}
	if slices.ContainsFunc(all, candidate.isNew) {
		all = slices.DeleteFunc(all, func(m candidate) bool { return !m.New })
	}
	return all, nil
}

func made(all []candidate) (list []Made) {
	for _, m := range all {
		list = append(list, m.Made)
	}
	return list
}

const (
	// similarAge is how old, by created_at, something of the right name may be and
	// still be new: a clock may show local time, which is up to 14 hours off.
	similarAge = 26 * time.Hour
	// otherAge is the same for something of another name, which the API may have
	// changed beyond recognition: clocks are minutes apart.
	otherAge = 15 * time.Minute
	// usedAtOnce is how long after created_at last_used_at may be in a key that
	// was never used.
	usedAtOnce = 5 * time.Second
)

// mayBeNew reports whether m may have been made between since and now, by the
// server's clock; now is zero if that is unknown. What was in use before then is not
// new: nobody has the secret of a key that is.
func (m candidate) mayBeNew(since, now time.Time) bool {
	created, dated := m.CreatedAt.Time()
	used, isUsed := m.LastUsedAt.Time()
	isUsed = isUsed && !(dated && used.Sub(created) < usedAtOnce)
	switch {
	case isUsed && (used.Before(since) || !m.similar):
		return false
	case !dated:
		return true
	case m.similar:
		return created.After(since.Add(-similarAge))
	}
	return created.After(since.Add(-otherAge)) || created.After(since.Add(-similarAge)) && sameButForZone(created, since, now)
}

// sameButForZone reports whether created, if it is the local time of some zone, is
// between since and now. Zones differ by multiples of a quarter of an hour.
func sameButForZone(created, since, now time.Time) bool {
	const quarter = 15 * time.Minute
	after := (created.Sub(since)%quarter + quarter) % quarter
	return !now.IsZero() && after <= now.Sub(since)+time.Second
}

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
