package stdio

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"
)

// drainTimeout is how long calls in flight may take at the end.
const drainTimeout = time.Minute

// A grace is how long Serve waits for something at its end: normally, and after
// [Config.CutOff] was closed.
type grace struct{ normal, short time.Duration }

var (
	// writeGrace is for responses that are being written when the calls are cut off. A
	// write that takes longer counts as stuck and is abandoned. If it succeeded after all,
	// the client would receive a result that was undone.
	writeGrace = grace{time.Second, time.Second}
	// cutOffGrace is for calls that were cut off to end, and for the functions given
	// to OnUndelivered, after writeGrace.
	cutOffGrace = grace{9 * time.Second, 3 * time.Second}
	// finalGrace is for the functions of calls whose handlers do not return. It applies
	// once more after the context of all functions is done, so that they can log what they
	// could not do.
	finalGrace = grace{3 * time.Second, 500 * time.Millisecond}
)

// drain waits for the calls in flight, after admission was closed. It cuts off calls that
// take too long.
func (d *dispatcher) drain() error {
	start := time.Now()
	idle := make(chan struct{})
	go func() {
		d.admission.admitted.Wait()
		close(idle)
	}()
	if d.wait(idle, grace{normal: drainTimeout}) {
		return nil
	}
	n := d.calls.len()
	took := time.Since(start).Round(time.Millisecond)
	d.calls.cancelAll(errCutOff)
	d.log.Warn("calls in flight were cut off", "calls", n, "after", took)
	finished := d.wait(idle, writeGrace)
	if !finished {
		go d.runUndelivered(d.calls.abandonWrites())
		finished = d.wait(idle, cutOffGrace)
	}
	if !finished {
		// Functions of handlers that have not returned must run, too.
		last := d.calls.abandonHandlers()
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.runUndelivered(last)
		}()
		d.wait(done, finalGrace)
		d.stop()
		d.wait(idle, finalGrace)
	}
	if n == 0 && finished {
		return nil
	}
	return fmt.Errorf("%d calls still in flight after %v: %w", n, took, errCutOff)
}

// wait reports whether done is closed within g.
func (d *dispatcher) wait(done <-chan struct{}, g grace) bool {
	normal := time.NewTimer(g.normal)
	defer normal.Stop()
	select {
	case <-done:
		return true
	case <-normal.C:
		return false
	case <-d.cfg.CutOff:
	}
	short := time.NewTimer(g.short)
	defer short.Stop()
	select {
	case <-done:
		return true
	case <-normal.C:
	case <-short.C:
	}
	return false
}

// writeError returns the error to report for a failed write: none if the client
// closed its end, which is an ordinary way to leave.
func writeError(err error) error {
	if err == nil || IsClosed(err) {
		return nil
	}
	return fmt.Errorf("write: %w", err)
}

// IsClosed reports whether err, of a write to a pipe, means that nobody reads it.
func IsClosed(err error) bool {
	for _, closed := range []error{io.ErrClosedPipe, os.ErrClosed, syscall.EPIPE} {
		if errors.Is(err, closed) {
			return true
		}
	}
	// On Windows, it is also ERROR_BROKEN_PIPE or ERROR_NO_DATA.
	return runtime.GOOS == "windows" && (errors.Is(err, syscall.Errno(109)) || errors.Is(err, syscall.Errno(232)))
}
