package raffclient

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// keyTimeout bounds one reading of the key, whatever Config.ReadKey does.
const keyTimeout = 40 * time.Second

// abandonGrace is how long the last call that leaves a reading waits for it to end.
const abandonGrace = time.Second

// currentKey is the client's own key, which may change while the client is used. It is safe
// for concurrent use.
//
// Calls that need the key to be read at the same time share one reading. It goes on as
// long as one of them waits for it. If all of them are cancelled, it is cancelled too and
// its result is not used, so that it has no effect on later calls.
type currentKey struct {
	read func(ctx context.Context) (Secret, error) // nil: the key never changes

	mu      sync.Mutex
	key     Secret   // zero until one has been read
	known   []Secret // every key that has been read, to be redacted
	begun   int      // the number of the last reading that has begun, and
	ended   int      // of the last one that has ended and was not abandoned
	reading *reading // the last one that was not abandoned, nil if there is none
}

// A reading is one call of currentKey.read.
type reading struct {
	number  int // counts from 1
	cancel  context.CancelFunc
	waiting int           // calls that wait for it
	done    chan struct{} // closed when it has ended
	key     Secret        // these two are set before done is closed
	err     error
}

func newCurrentKey(cfg Config) (*currentKey, error) {
	if cfg.ReadKey != nil {
		return &currentKey{read: cfg.ReadKey}, nil
	}
	if err := cfg.APIKey.checkKey(); err != nil {
		return nil, err
	}
	return &currentKey{key: cfg.APIKey, known: []Secret{cfg.APIKey}}, nil
}

// get returns the key, which is zero if none has been read, and the number of the last
// reading that has ended.
func (k *currentKey) get() (key Secret, last int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.key, k.ended
}

// all returns every key that has been read.
func (k *currentKey) all() []Secret {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.known
}

// load reads the key unless one has been read.
func (k *currentKey) load(ctx context.Context) error {
	k.mu.Lock()
	if !k.key.IsZero() {
		k.mu.Unlock()
		return nil
	}
	_, err := k.wait(ctx, k.join(k.ended))
	return err
}

// renew returns a key for a call whose request was sent with the key refused. Unless the key
// has been replaced since, renew reads it again, or returns the result of a reading that
// ended during the call, which is later than the reading with the number last.
func (k *currentKey) renew(ctx context.Context, refused Secret, last int) (Secret, error) {
	k.mu.Lock()
	if !k.key.equal(refused) {
		defer k.mu.Unlock()
		return k.key, nil
	}
	return k.wait(ctx, k.join(last))
}

// join returns a reading that is later than the one with the number last, or begins one. A
// reading in progress is later than any that has ended. k must be locked.
func (k *currentKey) join(last int) *reading {
	if r := k.reading; r != nil && r.number > last {
		return r
	}
	k.begun++
	ctx, cancel := context.WithTimeout(context.Background(), keyTimeout)
	r := &reading{number: k.begun, cancel: cancel, done: make(chan struct{})}
	k.reading = r
	giveUp := time.AfterFunc(keyTimeout+abandonGrace, func() { k.finish(r, Secret{}, errReadingHangs) })
	go func() { // ends with read, which should observe ctx
		defer cancel()
		defer giveUp.Stop()
		key, err := k.read(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = errReadingHangs
		}
		k.finish(r, key, err)
	}()
	return r
}

func (r *reading) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// finish sets the result of r, unless it has one. A key is redacted from now on even if it
// cannot be used.
func (k *currentKey) finish(r *reading, key Secret, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !key.IsZero() && !slices.ContainsFunc(k.known, key.equal) {
		k.known = append(slices.Clip(k.known), key) // all returns the old one
	}
	if r.ended() {
		return
	}
	if err == nil {
		err = key.checkKey()
	}
	r.key, r.err = key, err
	if k.reading == r {
		k.ended = r.number
		if err == nil {
			k.key = key
		}
	}
	close(r.done)
}

// wait waits for r to end and returns its result. It unlocks k, which must be locked.
func (k *currentKey) wait(ctx context.Context, r *reading) (Secret, error) {
	r.waiting++
	k.mu.Unlock()
	defer k.leave(r)
	select {
	case <-r.done:
		return r.key, r.err
	case <-ctx.Done():
		return Secret{}, &interruptedError{context.Cause(ctx)}
	}
}

// leave abandons r if it has not ended and nobody waits for it any more.
func (k *currentKey) leave(r *reading) {
	if !k.abandon(r) {
		return
	}
	r.cancel()
	// The program may be about to exit, and what reads the key, such as a command, has to
	// be ended before.
	timer := time.NewTimer(abandonGrace)
	defer timer.Stop()
	select {
	case <-r.done:
	case <-timer.C:
	}
}

// abandon removes one that waits for r. It reports whether r has not ended and that was the
// last one; then r is no longer used.
func (k *currentKey) abandon(r *reading) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.waiting--; r.waiting > 0 || r.ended() {
		return false
	}
	if k.reading == r {
		k.reading = nil
	}
	return true
}

// errReadingHangs is the error of a reading that does not end by itself within keyTimeout.
const errReadingHangs = sentences("The API key could not be read within 40 seconds. Check the place where it is kept, then try again.")

type sentences string

func (s sentences) Error() string { return string(s) }

// An interruptedError is the error of a call that ended while it waited for the key.
type interruptedError struct{ cause error }

func (e *interruptedError) Error() string { return "the call ended while the key was being read" }

func (e *interruptedError) Unwrap() error { return e.cause }

// LoadKey reads the client's own key with Config.ReadKey if none has been read. Methods that
// send a request do that themselves; LoadKey is for who wants to know earlier whether there
// is a key. If there is none, the error is ErrNoKey.
func (c *Client) LoadKey(ctx context.Context) error {
	err := c.key.load(ctx)
	if err == nil {
		return nil
	}
	if interrupted, ok := errors.AsType[*interruptedError](err); ok {
		return &Error{kind: ErrNotSent, Message: interrupted.Error(), cause: interrupted.cause}
	}
	return &Error{kind: ErrNoKey, Message: err.Error(), cause: err}
}

// ReloadKey reads the client's own key again with Config.ReadKey, and uses what it returns
// from then on. If it fails, the client continues with the key that it has.
func (c *Client) ReloadKey(ctx context.Context) error {
	if c.key.read == nil {
		return nil
	}
	key, last := c.key.get()
	if _, err := c.key.renew(ctx, key, last); err != nil {
		return fmt.Errorf("read the API key again: %w", err)
	}
	return nil
}

// A Reread is what Config.ReadKey returned after the API had rejected the client's key.
type Reread int

const (
	NotReread     Reread = iota // it was not called
	RereadSame                  // the rejected key
	RereadAnother               // another key, which the API rejected too
	RereadFailed                // an error, which Unwrap of the Error returns
)

// renewKey reports whether the request, which failed with e, can be sent again with another
// key. The API did not process it, so that is safe whatever the method. If there is no other
// key, e says so.
func (s *sending) renewKey(ctx context.Context, e *Error) bool {
	if e.kind != ErrUnauthorized || s.client.key.read == nil {
		return false
	}
	if s.reread {
		e.Reread = RereadAnother
		return false
	}
	s.reread = true
	key, err := s.client.key.renew(ctx, s.key, s.read)
	switch {
	case err != nil:
		e.Reread, e.cause = RereadFailed, err
	case key.equal(s.key):
		e.Reread = RereadSame
	}
	return e.Reread == NotReread
}
