package activity

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gofrs/flock"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// Limits of a log, by default.
const (
	DefaultMaxBytes = 10 << 20
	DefaultKeep     = 5
)

// A file is the log on disk. Several processes may append to it: each holds the lock for
// one line, and opens the file while it holds it, so that nobody writes to a file that
// another process has just rotated.
type file struct {
	path     string
	maxBytes int64
	keep     int // rotated files
	lock     *flock.Flock
}

// errNewFile reports that a line was written to a new file, because the log had
// disappeared.
var errNewFile = errors.New("it had disappeared, and a new one was begun")

func newFile(path string, maxBytes int64, keep int) *file {
	return &file{
		path:     path,
		maxBytes: cmp.Or(maxBytes, DefaultMaxBytes),
		keep:     cmp.Or(keep, DefaultKeep),
		lock:     flock.New(path+".lock", flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow), flock.SetPermissions(0o600)),
	}
}

// check creates the file and its directory if they do not exist, and returns an error
// unless lines can be appended. Its errors name the path and say what to do.
func (f *file) check() error {
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return f.unusable(err)
	}
	file, err := f.open(os.O_CREATE)
	if err != nil {
		return f.unusable(err)
	}
	file.Close()
	// Another server may hold the lock at the moment; that is no error.
	if _, err := f.lock.TryLock(); err != nil {
		return f.unusable(err)
	}
	return f.lock.Unlock()
}

// unusable words an error for whoever starts the program.
func (f *file) unusable(err error) error {
	if _, ok := errors.AsType[unsafeError](err); ok {
		return err
	}
	return unsafeError(pathError(f.path, err).Error() + ". Choose a file that this user can write to.")
}

// An unsafeError is the error of a file that must not be used, with the remedy.
type unsafeError string

func (e unsafeError) Error() string { return string(e) }

// open opens the file for appending.
func (f *file) open(flags int) (*os.File, error) {
	info, err := os.Lstat(f.path) // before the file is opened, which blocks on a named pipe
	if err == nil {
		err = checkFile(f.path, info)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_APPEND|noFollow|flags, 0o600)
	if err != nil {
		return nil, err
	}
	info, err = file.Stat()
	if err == nil {
		err = checkFile(f.path, info)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// checkKind returns an error unless the file is a regular one.
func checkKind(path string, info fs.FileInfo) error {
	shown := printable.String(path)
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return unsafeError(shown + " is a symbolic link. Name the file itself.")
	case !mode.IsRegular():
		return unsafeError(shown + " is not a regular file. Name a file, which need not exist yet.")
	}
	return nil
}

// checkFile returns an error unless only the user can access the file.
func checkFile(path string, info fs.FileInfo) error {
	if err := checkKind(path, info); err != nil || runtime.GOOS == "windows" {
		return err // on Windows an access control list decides, which the directory hands down
	}
	shown := printable.String(path)
	switch mode := info.Mode(); {
	case !isOwn(info):
		return unsafeError(shown + " belongs to another user. Choose another file, which need not exist yet.")
	case mode.Perm()&0o077 != 0:
		return unsafeError(fmt.Sprintf("%s is open to other users (mode %#o). Protect it: chmod 600 %[1]s", shown, mode.Perm()))
	}
	return nil
}

// append appends a line, which ends in a line break, with one write. The error is
// errNewFile or a *rotateError if the line was written nevertheless.
func (f *file) append(line []byte) (err error) {
	if err := f.lock.Lock(); err != nil {
		return pathError(f.path, err)
	}
	defer func() { err = cmp.Or(err, f.lock.Unlock()) }()
	var notice error
	file, err := f.open(0)
	if errors.Is(err, fs.ErrNotExist) {
		notice = errNewFile
		file, err = f.open(os.O_CREATE)
	}
	if err != nil {
		return pathError(f.path, err)
	}
	defer func() { file.Close() }()
	size, torn, err := end(file)
	if err != nil {
		return pathError(f.path, err)
	}
	if size > 0 && size+int64(len(line)) > f.maxBytes {
		file.Close() // Windows renames no open file
		err := f.rotate()
		if file, torn, size, err = f.reopen(err, torn, size); file == nil {
			return pathError(f.path, err)
		}
		notice = cmp.Or(notice, err)
	}
	if torn { // the line break is part of the write
		line = append([]byte("\n"), line...)
	}
	if n, err := file.Write(line); err != nil {
		if n > 0 {
			_ = file.Truncate(size) // if that fails, the next line begins after a line break
		}
		return pathError(f.path, err)
	}
	return notice
}

// reopen opens the file after a rotation. If that failed, the lines go on in the old file.
// The file is nil if there is none to write to.
func (f *file) reopen(rotateErr error, torn bool, size int64) (*os.File, bool, int64, error) {
	file, err := f.open(os.O_CREATE)
	if err != nil {
		return nil, false, 0, err
	}
	if rotateErr == nil {
		return file, false, 0, nil
	}
	return file, torn, size, &rotateError{rotateErr}
}

// A rotateError reports that the file grows beyond its limit.
type rotateError struct{ err error }

func (e *rotateError) Error() string { return "it could not be rotated: " + e.err.Error() }
func (e *rotateError) Unwrap() error { return e.err }

// end returns the size of the file, and whether its last line is incomplete.
func end(file *os.File) (size int64, torn bool, err error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return 0, false, err
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return info.Size(), last[0] != '\n', err
}

// rotate renames the file to NAME.1, and before that NAME.1 to NAME.2 and so on. The
// oldest is replaced only if all names are taken.
func (f *file) rotate() error {
	free := 1
	for free < f.keep && exists(rotated(f.path, free)) {
		free++
	}
	for n := free; n > 0; n-- {
		if err := os.Rename(rotated(f.path, n-1), rotated(f.path, n)); err != nil {
			return err
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// rotated returns the path of a rotated file, or of the file itself for 0.
func rotated(path string, n int) string {
	if n == 0 {
		return path
	}
	return fmt.Sprintf("%s.%d", path, n)
}

// pathError names the path in an error once.
func pathError(path string, err error) error {
	if _, ok := errors.AsType[unsafeError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	} else if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", printable.String(path), err)
}
