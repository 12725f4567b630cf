package stdio

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// backlogTimeout is how long reading pauses when the backlog is full. After that, requests
// are refused.
const backlogTimeout = time.Second

// A reader reads lines and starts their exchanges, on one goroutine.
type reader struct {
	*dispatcher
	codec.Decoder
	lines   *codec.LineReader
	next    chan lineOrErr // receives the line that is read in the background
	reading bool           // in the background
	stalled bool           // the backlog was full for backlogTimeout, and nothing was started since
}

type lineOrErr struct {
	line []byte
	err  error
}

func newReader(d *dispatcher, in io.Reader) *reader {
	return &reader{
		dispatcher: d,
		Decoder:    codec.Decoder{MaxLine: d.cfg.MaxLine, MaxBatch: d.cfg.maxCalls},
		lines:      codec.NewLineReader(in, d.cfg.MaxLine),
		next:       make(chan lineOrErr, 1),
	}
}

// run reads until the input ends or nothing more is admitted.
func (r *reader) run() error {
	for {
		// Let calls that were just started run on this thread: it is about to block
		// in a read, and waking another one would take longer.
		runtime.Gosched()
		line, open := r.readLine()
		var f codec.Frame
		switch {
		case !open:
			return nil
		case line.err == nil:
			f = r.Decode(line.line, r.session.hasBatches())
		case errors.Is(line.err, codec.ErrLineTooLong):
			f = r.TooLong()
		case errors.Is(line.err, io.EOF):
			r.startAll()
			return nil
		default:
			r.startAll()
			return fmt.Errorf("read: %w", line.err)
		}
		if !r.accept(newExchange(f)) {
			return nil
		}
	}
}

// readLine returns the next line. Until it arrives, readLine starts exchanges from
// the backlog. It returns false if nothing more is admitted.
func (r *reader) readLine() (line lineOrErr, open bool) {
	if len(r.backlog.queue) == 0 && !r.reading {
		line.line, line.err = r.lines.Next()
		return line, true
	}
	if !r.reading {
		r.reading = true
		go func() {
			line, err := r.lines.Next()
			r.next <- lineOrErr{line, err}
		}()
	}
	for {
		select {
		case line = <-r.next:
			r.reading = false
			return line, true
		case <-r.admission.freed:
			r.startWaiting()
		case <-r.admission.closed:
			return line, false
		}
	}
}

// accept starts x, or adds it to the backlog. It returns false if nothing more is
// admitted.
func (r *reader) accept(x *exchange) (open bool) {
	if len(r.backlog.queue) == 0 || x.reservation.requests == 0 {
		switch r.admission.admit(&x.reservation) {
		case admitOK:
			r.start(x)
			return true
		case admitClosed:
			return false
		}
	}
	for !r.backlog.push(x) {
		started, open := r.awaitCapacity(x)
		switch {
		case !open:
			return false
		case !started:
			x.refuse()
			return r.accept(x)
		}
	}
	r.dispatchOthers(x)
	return true
}

// dispatchOthers dispatches immediately what a batch in the backlog contains besides
// requests.
func (r *reader) dispatchOthers(x *exchange) {
	all := x.Messages
	x.Messages = slices.DeleteFunc(slices.Clone(all), func(m codec.Message) bool { return !m.IsRequest() })
	for _, m := range all {
		if !m.IsRequest() {
			r.dispatch(x, m)
		}
	}
}

// awaitCapacity waits, while the backlog is full, until an exchange of it was
// started. It returns false for started if that takes too long: the lines after x
// must be read.
func (r *reader) awaitCapacity(x *exchange) (started, open bool) {
	limit := backlogTimeout
	if r.stalled {
		limit = 0
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	timeout := timer.C
	if r.idInUse(x) {
		timeout = nil // the refusal would have to wait for the request with that id
	}
	for {
		select {
		case <-r.admission.freed:
			if r.startWaiting() {
				return true, true
			}
		case <-r.admission.closed:
			return false, false
		case <-timeout:
			r.stalled = true
			return false, true
		}
	}
}

func (r *reader) idInUse(x *exchange) bool {
	return slices.ContainsFunc(x.Messages, func(m codec.Message) bool {
		return m.IsRequest() && (r.backlog.contains(m.Key) || r.calls.has(m.Key))
	})
}

// startWaiting starts exchanges from the backlog while there is capacity, and
// reports whether there was any.
func (r *reader) startWaiting() (started bool) {
	for len(r.backlog.queue) > 0 && r.admission.admit(&r.backlog.queue[0].reservation) == admitOK {
		r.start(r.backlog.pop())
		started, r.stalled = true, false
	}
	return started
}

// startAll starts all exchanges from the backlog, as capacity becomes free, unless
// admission is closed before.
func (r *reader) startAll() {
	for r.startWaiting(); len(r.backlog.queue) > 0; r.startWaiting() {
		select {
		case <-r.admission.freed:
		case <-r.admission.closed:
			return
		}
	}
}
