package confedit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// A File is a configuration file as it was read.
type File struct {
	Path   string // as given to ReadFile
	Text   []byte // empty if the file does not exist
	Exists bool

	target string // the file itself, if Path is a symbolic link to it
	info   fs.FileInfo
	hash   [sha256.Size]byte
	step   func(step) error // is called before each step of Write; for tests
}

// maxFileBytes is how large a file may be. Claude Code's contains its history.
const maxFileBytes = 64 << 20

// ReadFile reads a configuration file. A file that does not exist has an empty text; so
// has a symbolic link to one, and [File.Write] then creates the link's target. The error
// names the path.
func ReadFile(path string) (*File, error) {
	f := &File{Path: path, step: func(step) error { return nil }}
	if err := f.read(); err != nil {
		return nil, f.Fault(reason(err))
	}
	return f, nil
}

// Fault returns an error that names the file and says that it was left as it was.
func (f *File) Fault(err error) error {
	return fmt.Errorf("%s was left as it was: %w", printable.String(f.Path), err)
}

func (f *File) read() error {
	var err error
	if f.target, err = resolve(f.Path); err != nil {
		return err
	}
	// Lstat comes before Open, which would block on a named pipe.
	found, err := os.Lstat(f.target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !found.Mode().IsRegular() {
		return &Error{Problem: "it is not a regular file", Fix: "Move it away, and try again"}
	}
	file, err := os.Open(f.target)
	if err != nil {
		return err
	}
	defer file.Close()
	f.Text, err = io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err != nil {
		return err
	}
	if len(f.Text) > maxFileBytes {
		return &Error{Problem: fmt.Sprintf("it is larger than %d MiB", maxFileBytes>>20), Fix: fixByHand}
	}
	if f.info, err = file.Stat(); err != nil {
		return err
	}
	if !os.SameFile(f.info, found) {
		return errChanged
	}
	f.Exists, f.hash = true, sha256.Sum256(f.Text)
	return nil
}

// maxLinks is how many symbolic links in a row are followed.
const maxLinks = 40

// resolve returns the path of the file to which a symbolic link leads, which need not
// exist. Links in the directories before it make no difference to the file's name.
func resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	for range maxLinks {
		if err != nil {
			return "", err
		}
		info, statErr := os.Lstat(path)
		if statErr != nil || info.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		var next string
		next, err = os.Readlink(path)
		if filepath.IsAbs(next) {
			path = next
			continue
		}
		// filepath.Join would be wrong here: after a link to a directory, .. is another one.
		dir, dirErr := filepath.EvalSymlinks(filepath.Dir(path))
		if dirErr != nil {
			return "", dirErr
		}
		path = filepath.Join(dir, next)
	}
	return "", &Error{Problem: "its symbolic links never end", Fix: "Correct the link, and try again"}
}

var errChanged = &Error{Problem: "another program has changed it since it was read", Fix: "Try again"}

// unchanged returns an error if the file is not the one that was read.
func (f *File) unchanged() error {
	now := &File{Path: f.Path}
	err := now.read()
	switch {
	case err != nil:
		return err
	case now.target != f.target || now.Exists != f.Exists:
		return errChanged
	case !f.Exists:
		return nil
	case !os.SameFile(now.info, f.info) || !now.info.ModTime().Equal(f.info.ModTime()) || now.hash != f.hash:
		return errChanged
	case now.info.Mode() != f.info.Mode():
		return errChanged
	}
	return nil
}

// reason words an error of the operating system in the form of the others.
func reason(err error) error {
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	why, fix := err, "Correct that, and try again"
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		why = fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		why = fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	if errors.Is(err, fs.ErrPermission) {
		fix = "Allow this user to write the file and its directory, and try again"
	}
	return &Error{Problem: why.Error(), Fix: fix, cause: err}
}

// equal reports whether there is nothing to write.
func (f *File) equal(text []byte) bool {
	return f.Exists && bytes.Equal(text, f.Text) || !f.Exists && len(text) == 0
}
