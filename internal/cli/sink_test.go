package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A gate is a standard error that accepts nothing until it is opened.
type gate struct {
	bytes.Buffer
	opened chan struct{}
	writes []string
}

func newGate() *gate { return &gate{opened: make(chan struct{})} }

func (g *gate) Write(text []byte) (int, error) {
	<-g.opened
	g.writes = append(g.writes, string(text))
	return g.Buffer.Write(text)
}

// A writerFunc is a function that serves as standard error.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

func sinkLogger(s *sink) *slog.Logger { return newLogger(s, slog.LevelDebug, "text", false) }

// messages returns the messages in a log, without time and level.
func messages(log string) []string {
	var all []string
	for text := range strings.Lines(log) {
		fields := strings.SplitN(strings.TrimSuffix(text, "\n"), " ", 3)
		all = append(all, fields[len(fields)-1])
	}
	return all
}

func numbered(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint("record i=", i))
	}
	return all
}

// dropNote is the message that says how many records were dropped.
func dropNote(n int) string {
	return fmt.Sprintf("log records were dropped, because standard error did not accept them records=%d", n)
}

func checkMessages(t *testing.T, log string, want []string) {
	t.Helper()
	got := messages(log)
	if len(got) != len(want) {
		t.Errorf("got %d records, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("record %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

// If standard error accepts nothing, only one record is delayed, and only briefly.
func TestStuckStderrDoesNotBlock(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		t.Run(level.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				s := newSink(g)
				log, start := sinkLogger(s), time.Now()
				for range 2 * maxQueuedRecords {
					log.Log(t.Context(), level, "record")
				}
				fmt.Fprintln(s, "raff-mcp: a message to the user")
				if took := time.Since(start); took != stderrTimeout {
					t.Errorf("logging took %v, want %v", took, stderrTimeout)
				}
				close(g.opened)
				s.close()
			})
		})
	}
}

// When standard error accepts records again, a note in place of the dropped records says
// how many there were, and when the first was dropped.
func TestDroppedRecordsAreCounted(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				s := newSink(g)
				log := newLogger(s, slog.LevelDebug, format, false)
				const kept, dropped = maxQueuedRecords / 4, 123
				began := time.Now()
				for range kept + dropped {
					log.Debug("flood")
				}
				time.Sleep(time.Hour)
				log.Error("after the flood")
				log.Debug("lost as well")
				close(g.opened)
				synctest.Wait()
				log.Debug("last")
				s.close()

				got := g.writes
				if len(got) != kept+4 {
					t.Fatalf("got %d records, want %d", len(got), kept+4)
				}
				for i, want := range map[int]string{kept - 1: "flood", kept: "dropped", kept + 1: "after the flood", kept + 2: "dropped", kept + 3: "last"} {
					if !strings.Contains(got[i], want) {
						t.Errorf("record %d: got %q, want %q", i, got[i], want)
					}
				}
				if !strings.Contains(got[kept], "123") || !strings.Contains(got[kept+2], "1") {
					t.Errorf("the notes are %q and %q", got[kept], got[kept+2])
				}
				if format == "text" {
					if want := began.Format(timeFormat) + " WRN " + dropNote(dropped) + "\n"; got[kept] != want {
						t.Errorf("got %q, want %q", got[kept], want)
					}
					return
				}
				var note struct {
					Level   string
					Records int
					Time    time.Time
				}
				if err := json.Unmarshal([]byte(got[kept]), &note); err != nil || note.Level != "WARN" || note.Records != dropped || !note.Time.Equal(began) {
					t.Errorf("got %q, %v", got[kept], err)
				}
			})
		})
	}
}

// Whatever fills the queue, more important records still have room, above all an error
// that names a key whose secret nobody has.
func TestFloodLeavesRoomForWhatMatters(t *testing.T) {
	levels := []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	for _, size := range []int{1, 10_000} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGate()
				s := newSink(g)
				log := sinkLogger(s)
				for _, level := range levels {
					log.Log(t.Context(), level, "important")
					for range 2 * min(maxQueuedRecords, maxQueuedBytes/size) {
						log.Log(t.Context(), level, strings.Repeat("f", size))
					}
				}
				fmt.Fprintln(s, "raff-mcp: dropped, for errors have filled the rest")
				if s.bytes > maxQueuedBytes || len(s.queue) > maxQueuedRecords+len(levels) {
					t.Errorf("%d bytes in %d records are queued", s.bytes, len(s.queue))
				}
				close(g.opened)
				s.close()
				if got := strings.Count(g.String(), "important"); got != len(levels) {
					t.Errorf("got %d of %d important records", got, len(levels))
				}
				if got := strings.Count(g.String(), "records were dropped"); got != len(levels) {
					t.Errorf("got %d notes, want %d", got, len(levels))
				}
			})
		})
	}
}

// A record that is larger than the queue is not lost, if nothing else is queued.
func TestLargeRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		s := newSink(&buf)
		for range 3 {
			sinkLogger(s).Debug(strings.Repeat("x", 2*maxQueuedBytes))
		}
		s.close()
		if got := buf.Len() / (2 * maxQueuedBytes); got != 3 {
			t.Errorf("got %d of 3 records", got)
		}
	})
}

// After standard error got stuck, no record waits until the whole queue has been written.
func TestStuckUntilDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pause = time.Second
		s := newSink(writerFunc(func(text []byte) (int, error) {
			time.Sleep(pause)
			return len(text), nil
		}))
		log := sinkLogger(s)
		delay := func() time.Duration {
			start := time.Now()
			log.Info("record")
			return time.Since(start)
		}
		for i, want := range []time.Duration{stderrTimeout, 0, 0} {
			if got := delay(); got != want {
				t.Errorf("record %d: waited %v, want %v", i, got, want)
			}
		}
		time.Sleep(2 * pause)
		synctest.Wait()
		if got := delay(); got != 0 {
			t.Errorf("with a record in the queue: waited %v, want 0", got)
		}
		time.Sleep(3 * pause)
		if got := delay(); got != stderrTimeout {
			t.Errorf("after the queue was empty: waited %v, want %v", got, stderrTimeout)
		}
		time.Sleep(pause)
		s.close()
	})
}

// A record of level INFO or above has been written when the logger returns.
func TestRecordIsWrittenBeforeTheLoggerReturns(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var written bytes.Buffer
			s := newSink(writerFunc(func(text []byte) (int, error) {
				time.Sleep(stderrTimeout / 2)
				mu.Lock()
				defer mu.Unlock()
				return written.Write(text)
			}))
			defer s.close()
			log := sinkLogger(s)
			for i := range 10 {
				log.Log(t.Context(), level, "record", "i", i)
				mu.Lock()
				got := len(messages(written.String()))
				mu.Unlock()
				if got != i+1 {
					t.Fatalf("%v: %d records were written, want %d", level, got, i+1)
				}
			}
		})
	}
}

// A debug record does not wait while there is room in the queue.
func TestDebugDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := newSink(g)
		log, start := sinkLogger(s), time.Now()
		for range maxQueuedRecords / 4 {
			log.Debug("record")
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("logging took %v, want 0", took)
		}
		close(g.opened)
		s.close()
	})
}

// If standard error is read, no record is lost or reordered, however many are logged.
func TestReadStderrGetsEverything(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelWarn} {
		synctest.Test(t, func(t *testing.T) {
			var buf bytes.Buffer
			s := newSink(writerFunc(func(text []byte) (int, error) {
				time.Sleep(10 * time.Microsecond)
				return buf.Write(text)
			}))
			log := sinkLogger(s)
			const n = 3 * maxQueuedRecords
			for i := range n {
				log.Log(t.Context(), level, "record", "i", i)
			}
			s.close()
			checkMessages(t, buf.String(), numbered(n))
		})
	}
}

// Each record is written whole, by one call, even if others are logged concurrently.
func TestConcurrentRecords(t *testing.T) {
	g := newGate()
	close(g.opened)
	s := newSink(g)
	log := sinkLogger(s)
	var wg sync.WaitGroup
	const loggers, n = 20, 200
	for l := range loggers {
		wg.Go(func() {
			log := log.With("logger", l)
			for i := range n {
				log.Log(t.Context(), []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelError}[i%3], "record", "i", i)
			}
		})
	}
	wg.Wait()
	s.close()
	next := make([]int, loggers)
	for _, text := range g.writes {
		var l, i int
		if _, err := fmt.Sscanf(messages(text)[0]+"\n", "record logger=%d i=%d\n", &l, &i); err != nil || strings.Count(text, "\n") != 1 {
			t.Fatalf("got %q, %v", text, err)
		}
		if next[l] != i {
			t.Fatalf("logger %d: got record %d, want %d", l, i, next[l])
		}
		next[l]++
	}
	if len(g.writes) != loggers*n {
		t.Errorf("got %d records, want %d", len(g.writes), loggers*n)
	}
}

// The program waits for standard error before it ends, but not for long.
func TestCloseOfStuckSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := newSink(g)
		log := sinkLogger(s)
		log.Error("first")
		log.Error("second")
		start := time.Now()
		s.close()
		if took := time.Since(start); took != stderrGrace {
			t.Errorf("closing took %v, want %v", took, stderrGrace)
		}
		log.Error("too late")
		if took := time.Since(start); took != stderrGrace {
			t.Errorf("logging after that took %v, want nothing", took-stderrGrace)
		}
		close(g.opened) // what is being written cannot be taken back
		<-s.done
		checkMessages(t, g.String(), []string{"first"})
	})
}

func TestCloseOfIdleSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s := newSink(io.Discard)
		sinkLogger(s).Info("record")
		s.close()
		s.close()
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v, want 0", took)
		}
	})
}

// The program writes the queue, and how many records were dropped, before it ends.
func TestCloseWritesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate()
		s := newSink(g)
		log := sinkLogger(s)
		const kept, dropped = maxQueuedRecords / 4, 5
		for i := range kept + dropped {
			log.Debug("record", "i", i)
		}
		go func() {
			time.Sleep(stderrGrace / 2)
			close(g.opened)
		}()
		s.close()
		checkMessages(t, g.String(), append(numbered(kept), dropNote(dropped)))
	})
}

// If standard error fails or is closed, nothing ends or waits. Records that it did not
// accept are counted as dropped.
func TestFailingStderr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fail, tries := true, 0
		var buf bytes.Buffer
		s := newSink(writerFunc(func(text []byte) (int, error) {
			tries++
			if fail {
				return 0, syscall.EPIPE
			}
			return buf.Write(text)
		}))
		log, start := sinkLogger(s), time.Now()
		for range 100 {
			log.Info("record")
		}
		synctest.Wait()
		if took := time.Since(start); took != 0 || tries > 200 {
			t.Errorf("took %v and %d writes", took, tries)
		}
		fail = false
		log.Info("record", "i", 0)
		s.close()
		checkMessages(t, buf.String(), append([]string{dropNote(100)}, numbered(1)...))
	})
}

// If the disk is full in the middle of a record, the next one is not joined to it.
func TestCutRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		room := len(timeFormat) + 10
		s := newSink(writerFunc(func(text []byte) (int, error) {
			if len(text) > room {
				n, _ := buf.Write(text[:room])
				room = 0
				return n, syscall.ENOSPC
			}
			return buf.Write(text)
		}))
		log := sinkLogger(s)
		log.Info("a record that is cut off")
		log.Info("dropped")
		room = 1000
		log.Info("record", "i", 0)
		s.close()
		if got := messages(buf.String()); len(got) != 3 || !strings.HasPrefix("a record that is cut off", got[0]) || got[1] != dropNote(2) || got[2] != "record i=0" {
			t.Errorf("got %q", got)
		}
	})
}

// Records wait for standard error even if another process has made it non-blocking.
func TestNonBlockingStderr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var buf bytes.Buffer
		var opened atomic.Bool
		s := newSink(writerFunc(func(text []byte) (int, error) {
			if !opened.Load() {
				return 0, syscall.EAGAIN
			}
			n, _ := buf.Write(text[:min(len(text), 10)])
			if n < len(text) {
				return n, syscall.EAGAIN
			}
			return n, nil
		}))
		log, start := sinkLogger(s), time.Now()
		for i := range 3 {
			log.Info("record", "i", i)
		}
		if took := time.Since(start); took != stderrTimeout {
			t.Errorf("logging took %v, want %v", took, stderrTimeout)
		}
		opened.Store(true)
		s.close()
		checkMessages(t, buf.String(), numbered(3))
	})
}

func TestCloseOfNonBlockingStderr(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSink(writerFunc(func([]byte) (int, error) { return 0, syscall.EAGAIN }))
		sinkLogger(s).Info("record")
		start := time.Now()
		s.close()
		if took := time.Since(start); took != stderrGrace {
			t.Errorf("closing took %v, want %v", took, stderrGrace)
		}
		<-s.done
	})
}

var errTest = errors.New("for a test")

// A record that cannot be formatted does not become part of another one.
func TestFormatters(t *testing.T) {
	var buf bytes.Buffer
	s := newSink(&buf)
	log := sinkLogger(s)
	if err := log.Handler().Handle(context.Background(), slog.NewRecord(time.Time{}, slog.LevelInfo, "record i=0", 0)); err != nil {
		t.Error(err)
	}
	log.WithGroup("g").With("a", errTest).Info("record", "b", 1)
	s.close()
	if got := buf.String(); !strings.HasPrefix(got, "INF record i=0\n") || !strings.HasSuffix(got, " INF record g.a=\"for a test\" g.b=1\n") {
		t.Errorf("got %q", got)
	}
}
