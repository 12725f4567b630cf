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

// Unfinished returns the records of the creations that began after that time and of which
// no outcome is known, the oldest first. It leaves out those whose server may still be
// running.
func (l *Log) Unfinished(after time.Time) ([]Record, error) {
	if l == nil {
		return nil, nil
	}
	open := map[string]Record{}
	_, err := Read(l.path, func(line Line) bool {
		if line.Outcome != Begun {
			delete(open, line.Call)
		} else if at, ok := line.When(); ok && at.After(after) {
			open[line.Call] = line.Record
		}
		return true
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Record
	for _, r := range open {
		if !l.mayBeInFlight(r) {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b Record) int {
		at, _ := a.When()
		bt, _ := b.When()
		return at.Compare(bt)
	})
	return list, err
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
