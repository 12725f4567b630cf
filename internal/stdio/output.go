package stdio

import (
	"io"
	"sync/atomic"
)

// An output writes lines, one at a time. Its lock is acquired before those of
// registry, admission and call.
type output struct {
	w io.Writer
	// sem is the lock: full while a line is written, which takes as long as the
	// client does not read. Waiting for a channel, unlike a mutex, can be cancelled.
	sem     chan struct{}
	err     atomic.Pointer[error] // of the first write that failed; no write follows it
	onError func(error)           // called with that error
}

func newOutput(w io.Writer, onError func(error)) *output {
	return &output{w: w, sem: make(chan struct{}, 1), onError: onError}
}

// lock acquires the lock. It returns false if cancelled is closed first.
func (o *output) lock(cancelled <-chan struct{}) bool {
	select {
	case o.sem <- struct{}{}:
		return true
	case <-cancelled:
		return false
	}
}

func (o *output) unlock() { <-o.sem }

// write writes a line. The caller holds the lock. After an error nothing more is
// written, because the line that failed may be incomplete.
func (o *output) write(line []byte) error {
	if err := o.failure(); err != nil {
		return err
	}
	line = append(line, '\n')
	n, err := o.w.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err != nil {
		o.err.Store(&err)
		o.onError(err)
	}
	return err
}

// failure returns the error of the write that failed, if any. It needs no lock: at
// the end, a write may still be stuck.
func (o *output) failure() error {
	if err := o.err.Load(); err != nil {
		return *err
	}
	return nil
}
