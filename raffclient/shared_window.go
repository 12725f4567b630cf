package raffclient

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	// lockTimeout bounds the wait for another process that has locked the shared window.
	// It holds the lock for less than a millisecond unless it is suspended.
	lockTimeout = 500 * time.Millisecond
	// lockRetry is the interval in which the lock is tried.
	lockRetry = time.Millisecond
	// aloneFor is how long a process does not try to share the window after that failed.
	aloneFor = time.Minute
	// keepFor is how long after the last request the slots in the file are used.
	keepFor = time.Minute
)

// A sharedWindow is a file through which processes that use the same key share the slots of
// their pacers. Its times are wall-clock times.
type sharedWindow struct {
	dir     string
	baseURL string
	current *currentKey

	key   Secret // the one that path is for
	path  string
	lock  *flock.Flock
	alone time.Time // until then, nothing is shared, because sharing failed
}

// newSharedWindow returns the window of the current key at the API with that URL. It creates
// nothing.
func newSharedWindow(dir, baseURL string, key *currentKey) *sharedWindow {
	return &sharedWindow{dir: dir, baseURL: baseURL, current: key}
}

// followKey changes the file if the key has changed. The name of the file does not reveal the
// key.
func (w *sharedWindow) followKey() {
	key, _ := w.current.get()
	if key.IsZero() || key.equal(w.key) {
		return
	}
	sum := sha256.Sum256([]byte("rate limit\n" + w.baseURL + "\n" + *key.value))
	w.key, w.path = key, filepath.Join(w.dir, hex.EncodeToString(sum[:8]))
	w.lock = flock.New(w.path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600)) // a named pipe does not block that
}

// acquire locks the window. It reports whether it did: if not, the caller goes on alone.
func (w *sharedWindow) acquire() bool {
	if w.followKey(); w.key.IsZero() {
		return false
	}
	start := time.Now()
	if start.Before(w.alone) {
		return false
	}
	for {
		locked, err := w.lock.TryLock()
		if os.IsNotExist(err) && makeDir(filepath.Dir(w.path)) == nil {
			locked, err = w.lock.TryLock()
		}
		switch {
		case locked:
			return true
		case err != nil || time.Since(start) > lockTimeout:
			w.fail()
			return false
		}
		time.Sleep(lockRetry)
	}
}

// makeDir creates dir and, if necessary, its parent. A parent of the parent that does not
// exist, such as a home directory, is not created.
func makeDir(dir string) error {
	if err := os.Mkdir(filepath.Dir(dir), 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	return os.Mkdir(dir, 0o700)
}

func (w *sharedWindow) release() { _ = w.lock.Unlock() } // closing the file unlocks it, too

func (w *sharedWindow) fail() { w.alone = time.Now().Add(aloneFor) }

// windowFormat is the first field of the file. A file of another format counts as empty.
const windowFormat = 0x72616666_00000001

// A windowHeader begins the file; its slots follow. Times are nanoseconds since 1970.
type windowHeader struct {
	Format int64
	Resume int64
	Slots  int64 // the number of slots: the limit
}

type windowSlot struct {
	Sent, Free int64
	Responded  bool
}

// maxWindowBytes is the size of a file with the highest limit: a header of 24 bytes and 17
// bytes for each slot.
const maxWindowBytes = 24 + 17*maxLimit

// update calls f with the slots in the file and the time from which requests may be sent,
// and writes back what f returns. The slots are nil if the file contains none that can be
// used. The window must be locked.
func (w *sharedWindow) update(now time.Time, f func(slots []slot, resume time.Time) ([]slot, time.Time)) {
	file, err := w.open()
	if err != nil {
		w.fail()
		f(nil, time.Time{})
		return
	}
	defer file.Close()
	text := make([]byte, maxWindowBytes)
	n, _ := io.ReadFull(file, text) // what cannot be read is not decoded either
	text = encodeWindow(f(decodeWindow(text[:n], now)))
	// The file is not truncated first: a process that is killed leaves the old slots or the
	// new ones.
	if _, err := file.WriteAt(text, 0); err != nil {
		w.fail()
	}
}

// open opens the file. Reading anything but a regular file could block.
func (w *sharedWindow) open() (*os.File, error) {
	file, err := os.OpenFile(w.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, os.ErrInvalid
	}
	return file, nil
}

// decodeWindow returns nil if text contains no usable slots, or if the newest is so old that
// the limit may have changed since.
func decodeWindow(text []byte, now time.Time) (slots []slot, resume time.Time) {
	var h windowHeader
	n, err := binary.Decode(text, binary.LittleEndian, &h)
	if err != nil || h.Format != windowFormat || h.Slots < 1 || h.Slots > maxLimit {
		return nil, time.Time{}
	}
	stored := make([]windowSlot, h.Slots)
	if _, err := binary.Decode(text[n:], binary.LittleEndian, stored); err != nil {
		return nil, time.Time{}
	}
	recent := false
	for _, s := range stored {
		// If the clock was set back, times are in the future. No slot is occupied for longer
		// than one that begins now.
		free := earlier(fromUnixNano(s.Free), now.Add(maxDelay+window))
		slots = append(slots, slot{sent: earlier(fromUnixNano(s.Sent), now), free: free, responded: s.Responded})
		recent = recent || now.Sub(free) < keepFor
	}
	if !recent {
		return nil, time.Time{}
	}
	return slots, earlier(fromUnixNano(h.Resume), now.Add(maxPause))
}

func encodeWindow(slots []slot, resume time.Time) []byte {
	h := windowHeader{Format: windowFormat, Resume: unixNano(resume), Slots: int64(len(slots))}
	stored := make([]windowSlot, len(slots))
	for i, s := range slots {
		stored[i] = windowSlot{unixNano(s.sent), unixNano(s.free), s.responded}
	}
	text, err := binary.Append(nil, binary.LittleEndian, h)
	if err == nil {
		text, err = binary.Append(text, binary.LittleEndian, stored)
	}
	if err != nil {
		panic("raffclient: a window cannot be encoded: " + err.Error())
	}
	return text
}

// unixNano returns t in nanoseconds since 1970, and 0 for the zero Time.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromUnixNano(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
