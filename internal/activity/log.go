// Package activity keeps a log of what the server changed, one JSON line for each call;
// see [Record].
//
// [Open] opens a log for writing. Several processes may write to one log. [Read] reads it,
// with the files that were rotated.
package activity

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a log.
type Config struct {
	// Path is the path of the file.
	Path string
	// MaxBytes is the size from which the file is rotated. Default: DefaultMaxBytes.
	MaxBytes int64
	// Keep is how many rotated files are kept. Default: DefaultKeep.
	Keep int
	// Logger is told about lines that could not be written. Default: nobody is.
	Logger *slog.Logger
}

const (
	// writeTimeout is how long Write waits for a line to be written before the file
	// system counts as stuck. Writing takes microseconds.
	writeTimeout = 250 * time.Millisecond
	// maxQueued is how many lines wait for a file system that is stuck.
	maxQueued = 1024
)

// A Log appends records to a file, in the background, because a file system that hangs
// must not delay the response to a call. A nil Log discards everything. It is safe for
// concurrent use.
type Log struct {
	path    string
	started time.Time
	append  func(line []byte) error
	log     *slog.Logger
	done    chan struct{} // closed when run has returned
	stuck   atomic.Bool   // a line has timed out, and the queue has not been empty since

	mu      sync.Mutex
	queue   chan entry
	closed  bool
	dropped int // records, not yet reported

	background sync.WaitGroup
	ctx        context.Context // of the functions that Go runs
	stop       context.CancelFunc
}

// An entry is a line, and a channel that is closed when there was an attempt to write it.
type entry struct {
	line    []byte
	written chan struct{}
}

// Open opens the log, which must be closed. It creates the file if it does not exist. The
// error is one line that says what to do.
func Open(cfg Config) (*Log, error) {
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, err
	}
	f := newFile(path, cfg.MaxBytes, cfg.Keep)
	if err := f.check(); err != nil {
		return nil, err
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return start(path, f.append, log), nil
}

func start(path string, write func([]byte) error, log *slog.Logger) *Log {
	l := &Log{path: path, started: time.Now(), append: write, log: log, queue: make(chan entry, maxQueued), done: make(chan struct{})}
	l.ctx, l.stop = context.WithCancel(context.Background())
	go l.run()
	return l
}

// Write appends a record. It sets the time and the process. When it returns, the record
// has been written, unless that failed or took too long: the Logger is told then, and the
// caller goes on.
func (l *Log) Write(r Record) {
	if l == nil {
		return
	}
	r.Time, r.Process = Timestamp(time.Now()), os.Getpid()
	line, err := json.Marshal(r)
	if err != nil {
		l.log.Error("a line of the activity log could not be made", "tool", r.Tool, "error", err)
		return
	}
	e := entry{append(line, '\n'), make(chan struct{})}
	if !l.put(e) || l.stuck.Load() {
		return
	}
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	select {
	case <-e.written:
	case <-timer.C:
		if l.stuck.CompareAndSwap(false, true) {
			l.log.Error("the activity log does not accept lines at the moment; they wait, and calls go on without them", "file", l.path)
		}
	}
}

// put queues a line. It returns false if there is no room.
func (l *Log) put(e entry) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		select {
		case l.queue <- e:
			return true
		default:
		}
	}
	l.dropped++
	if l.dropped == 1 {
		l.log.Error("a line of the activity log was dropped, because the file does not accept lines; more may follow", "file", l.path)
	}
	return false
}

// run writes the queue until the log is closed.
func (l *Log) run() {
	defer close(l.done)
	for e := range l.queue {
		if err := l.append(e.line); err != nil {
			l.report(err)
		}
		close(e.written)
		if len(l.queue) == 0 {
			l.stuck.Store(false)
			l.reportDropped()
		}
	}
}

// report logs an error of append.
func (l *Log) report(err error) {
	rotation, ok := errors.AsType[*rotateError](err)
	switch {
	case errors.Is(err, errNewFile):
		l.log.Warn("the activity log disappeared, and a new file was begun", "file", l.path)
	case ok:
		l.log.Warn("the activity log could not be rotated, and grows", "file", l.path, "error", rotation.err)
	default:
		l.log.Error("a line of the activity log could not be written", "error", err)
	}
}

func (l *Log) reportDropped() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dropped > 0 {
		l.log.Error("lines of the activity log were dropped, because the file did not accept them", "file", l.path, "lines", l.dropped)
		l.dropped = 0
	}
}

// Go runs f in the background. Close waits for it, and then cancels its context.
func (l *Log) Go(f func(context.Context)) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.background.Go(func() { f(l.ctx) })
	}
}

// Close waits until the functions that Go runs have returned and everything is written, at
// most for the time given. Later records are dropped.
func (l *Log) Close(atMost time.Duration) {
	if l == nil {
		return
	}
	late, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	idle := make(chan struct{})
	go func() { // it ends soon after stop
		l.background.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-late.Done():
	}
	l.stop()
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	select {
	case <-l.done:
	case <-late.Done():
		l.log.Error("the activity log is incomplete: the file did not accept its last lines", "file", l.path)
	}
}
