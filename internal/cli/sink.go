package cli

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

const (
	// stderrGrace is how long close waits for standard error to accept the queue.
	stderrGrace = time.Second
	// stderrTimeout is how long a record waits for standard error before that is
	// considered stuck. Writing takes microseconds, or up to tens of milliseconds on a
	// busy machine.
	stderrTimeout = 100 * time.Millisecond
	// stderrRetryDelay is the pause before a write that would have blocked is repeated.
	stderrRetryDelay = 5 * time.Millisecond

	maxQueuedRecords = 4096
	maxQueuedBytes   = 1 << 20
)

// A sink writes records to standard error in the background, because many clients
// never read it, and a write to a full pipe would block the response to a call.
//
// Records are written in order, each with one call of Write. While the queue is
// full, records are dropped, and a note in their place says how many.
//
// Normally a record has been written when put returns, so that it remains even if
// the program is killed right after. Once standard error is found to be stuck,
// nothing waits for it again until it has accepted the whole queue.
type sink struct {
	w       io.Writer
	partial bool          // w accepted only the beginning of a record; used only by run
	done    chan struct{} // closed when run has returned

	mu        sync.Mutex
	changed   *sync.Cond // signals a change of the fields below
	queue     []entry    // the first is being written
	bytes     int        // of text in queue
	dropped   loss       // not yet in a note
	note      func(loss) []byte
	accepted  uint64 // records put into the queue so far
	written   uint64 // records that have left the queue
	stuck     bool   // a record has timed out, and the queue has not been empty since
	failing   bool   // the last write failed
	closed    bool   // records are no longer accepted
	abandoned bool   // records are no longer written either
}

// An entry is a record or, without text, a note about dropped records.
type entry struct {
	text []byte
	loss loss // that the note reports, or that dropping the record causes
}

// A loss says how many records were dropped.
type loss struct {
	count int
	since time.Time
}

func (l *loss) add(other loss) {
	if l.count == 0 || other.since.Before(l.since) {
		l.since = other.since
	}
	l.count += other.count
}

// newSink returns a sink for w, which must be closed.
func newSink(w io.Writer) *sink {
	s := &sink{w: w, done: make(chan struct{})}
	s.changed = sync.NewCond(&s.mu)
	go s.run()
	return s
}

// Write puts text as a record with the priority of an error. It never fails.
func (s *sink) Write(text []byte) (int, error) {
	s.put(slog.LevelError, bytes.Clone(text))
	return len(text), nil
}

// put queues a record. The caller must not change text afterwards. A record of level INFO
// or above has been written when put returns, unless standard error is stuck. A
// creation is announced at INFO, and must be in the log before the request is sent.
func (s *sink) put(level slog.Level, text []byte) {
	if len(text) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ifDropped := loss{1, time.Now()}
	if !s.await(func() bool { return s.hasRoom(level, len(text)) }) || s.closed {
		s.dropped.add(ifDropped)
		return
	}
	s.queueNote()
	s.queue = append(s.queue, entry{text, ifDropped})
	s.bytes += len(text)
	s.accepted++
	s.changed.Broadcast()
	if number := s.accepted; level >= slog.LevelInfo {
		s.await(func() bool { return s.written >= number })
	}
}

// hasRoom reports whether a record fits into the part of the queue that its level
// may fill. An empty queue accepts any record. The last quarter is reserved for errors,
// which may name a key whose secret nobody has, so that other records cannot displace
// them.
func (s *sink) hasRoom(level slog.Level, size int) bool {
	quarters := 4
	switch {
	case level < slog.LevelInfo:
		quarters = 1
	case level < slog.LevelWarn:
		quarters = 2
	case level < slog.LevelError:
		quarters = 3
	}
	return len(s.queue) == 0 ||
		len(s.queue) < maxQueuedRecords*quarters/4 && s.bytes+size <= maxQueuedBytes*quarters/4
}

// await waits until condition holds, at most for stderrTimeout, and reports
// whether it does. s.mu must be held.
func (s *sink) await(condition func() bool) bool {
	if condition() || s.stuck || s.closed {
		return condition()
	}
	expired := false
	timer := time.AfterFunc(stderrTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		expired, s.stuck = true, len(s.queue) > 0
		s.changed.Broadcast()
	})
	defer timer.Stop()
	for !condition() && !expired && !s.stuck && !s.closed {
		s.changed.Wait()
	}
	return condition()
}

// queueNote queues a note about the records dropped so far, if there are any.
func (s *sink) queueNote() {
	if s.dropped.count > 0 && s.note != nil {
		s.queue = append(s.queue, entry{loss: s.dropped})
		s.dropped = loss{}
	}
}

// setNote sets the function that formats a note. It is called without locks held.
func (s *sink) setNote(note func(loss) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note = note
}

// run writes the queue until the sink is closed and the queue is empty.
func (s *sink) run() {
	defer close(s.done)
	for {
		e, ok := s.next()
		if !ok {
			return
		}
		text := e.text
		if text == nil {
			text = s.note(e.loss)
		}
		s.finish(e, s.write(text))
	}
}

// next waits for the next entry and returns it, or false if none will come.
func (s *sink) next() (e entry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if len(s.queue) == 0 && !s.failing {
			s.queueNote()
		}
		switch {
		case s.abandoned, len(s.queue) == 0 && s.closed:
			return entry{}, false
		case len(s.queue) > 0:
			return s.queue[0], true
		}
		s.stuck = false
		s.changed.Wait()
	}
}

// finish removes the first entry from the queue after an attempt to write it.
func (s *sink) finish(e entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue[0] = entry{}
	s.queue = s.queue[1:]
	s.bytes -= len(e.text)
	if e.text != nil {
		s.written++
	}
	if s.failing = err != nil; s.failing {
		s.dropped.add(e.loss)
	}
	s.changed.Broadcast()
}

// write writes one record. After a partial record, the next one begins on a new line.
func (s *sink) write(text []byte) error {
	if s.partial {
		text = append([]byte("\n"), text...)
	}
	for {
		n, err := s.w.Write(text)
		s.partial = s.partial && n == 0 || n > 0 && n < len(text)
		// Another process that has the same pipe or terminal open may have made it
		// non-blocking.
		if !errors.Is(err, syscall.EAGAIN) || s.isAbandoned() {
			return err
		}
		text = text[n:]
		time.Sleep(stderrRetryDelay)
	}
}

func (s *sink) isAbandoned() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.abandoned
}

// close waits until the queue is written, at most for stderrGrace. Later records are
// dropped.
func (s *sink) close() {
	s.mu.Lock()
	s.closed = true
	s.changed.Broadcast()
	s.mu.Unlock()
	timer := time.NewTimer(stderrGrace)
	defer timer.Stop()
	select {
	case <-s.done:
	case <-timer.C:
		s.mu.Lock()
		s.abandoned = true
		s.mu.Unlock()
	}
}
