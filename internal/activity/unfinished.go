package activity

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// maxCallTime is longer than any call takes: afterwards it has ended, whatever process has
// the ID of its server by then.
const maxCallTime = time.Hour

// Creations are the creations in a log that began after some time.
type Creations struct {
	// Unfinished are those of which no outcome is known and whose server has ended, the
	// oldest first.
	Unfinished []Record
	// Running are those of which no outcome is known and whose server may still run.
	Running []Record
	// Results are the IDs of what the others have created, and when that was last.
	Results map[string]time.Time
}

// Creations returns the creations that began after that time.
func (l *Log) Creations(after time.Time) (Creations, error) {
	c := Creations{Results: map[string]time.Time{}}
	if l == nil {
		return c, nil
	}
	open, begun := map[string]Record{}, map[string]bool{}
	_, err := Read(l.path, func(line Line) bool {
		switch at, ok := line.When(); {
		case line.Outcome != Begun:
			delete(open, line.Call)
			if line.Outcome == Done && line.ID != "" && begun[line.Call] {
				c.Results[line.ID] = at
			}
		case ok && at.After(after):
			open[line.Call], begun[line.Call] = line.Record, true
		}
		return true
	})
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	for _, r := range open {
		if l.mayBeInFlight(r) {
			c.Running = append(c.Running, r)
		} else {
			c.Unfinished = append(c.Unfinished, r)
		}
	}
	slices.SortFunc(c.Unfinished, func(a, b Record) int {
		at, _ := a.When()
		bt, _ := b.When()
		return at.Compare(bt)
	})
	return c, err
}

// mayBeInFlight reports whether the server that wrote a record may still be at it.
func (l *Log) mayBeInFlight(r Record) bool {
	at, _ := r.When()
	if time.Since(at) > maxCallTime {
		return false
	}
	if r.Process == os.Getpid() { // in a container, every server may have the same ID
		return !at.Before(l.started.Truncate(time.Millisecond))
	}
	p, err := os.FindProcess(r.Process)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	return isRunning(p)
}
