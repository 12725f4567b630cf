package confedit

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A step is a part of Write.
type step string

const (
	makeDirectory step = "make the directory"
	createBackup  step = "create the backup"
	writeBackup   step = "write the backup"
	createFile    step = "create the new file"
	writeFile     step = "write the new file"
	setOwner      step = "set its owner and mode"
	syncFile      step = "sync it"
	compare       step = "compare the old file"
	replaceFile   step = "replace the file"
	syncDirectory step = "sync the directory"
)

// Write replaces the file's text, and returns the path of the backup of the old one. There
// is no backup if the file did not exist or was empty, and nothing is written if the text
// is the same. Backups are next to the path that was given to ReadFile, not next to the
// target of a link there: that is often a repository. They are not removed.
//
// The file is replaced by renaming a new one, which gets its mode and its owner, so it is
// the old or the new file at any moment. Write refuses to replace a file that
//   - has changed since it was read (in the last microseconds, that goes unnoticed);
//   - is read-only;
//   - has more than one name (hard link), because the others would keep the old text;
//   - belongs to a user or group to whom this program may not give a file.
//
// A new file and its directories are readable only by the user.
//
// After Write, the file must be read again. The error names the path.
func (f *File) Write(text []byte) (backup string, err error) {
	if f.equal(text) {
		return "", nil
	}
	backup, err = f.write(text)
	if err != nil {
		return "", f.Fault(reason(err))
	}
	return backup, nil
}

func (f *File) write(text []byte) (backup string, err error) {
	if err := cmp.Or(f.unchanged(), f.replaceable()); err != nil {
		return "", err
	}
	dir := filepath.Dir(f.target)
	if err := f.step(makeDirectory); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if len(f.Text) > 0 {
		if backup, err = f.backup(); err != nil {
			return "", err
		}
	}
	if err := f.replace(dir, text); err != nil {
		if backup != "" {
			_ = os.Remove(backup)
		}
		return "", err
	}
	// The file is complete already, and a file system that cannot sync a directory is no
	// reason to report otherwise.
	if f.step(syncDirectory) == nil {
		syncDir(dir)
	}
	return backup, nil
}

// replaceable returns an error if the file should not be replaced.
func (f *File) replaceable() error {
	if !f.Exists {
		return nil
	}
	if f.info.Mode().Perm()&0o200 == 0 {
		return &Error{Problem: "it is read-only", Fix: "Make it writable, and try again"}
	}
	if n := linkCount(f.info); n > 1 {
		return &Error{Problem: fmt.Sprintf("it has %d names (hard links), of which only this one would change", n), Fix: "Replace the links with symbolic ones, or make the change by hand"}
	}
	return nil
}

// maxBackups is how many backups can be made in the same second.
const maxBackups = 100

// backup copies the old text to a new file and returns its path.
func (f *File) backup() (string, error) {
	if err := f.step(createBackup); err != nil {
		return "", err
	}
	base := f.Path + ".bak-" + time.Now().UTC().Format("20060102T150405Z")
	for n := range maxBackups {
		path := base
		if n > 0 {
			path = fmt.Sprintf("%s-%d", base, n+1)
		}
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return path, f.fill(file, f.Text, writeBackup, 0o600)
	}
	return "", &Error{Problem: "it has too many backups", Fix: "Remove some of them, and try again"}
}

// replace writes a new file and gives it the name of the old one.
func (f *File) replace(dir string, text []byte) error {
	if err := f.step(createFile); err != nil {
		return err
	}
	mode := fs.FileMode(0o600)
	if f.Exists {
		mode = f.info.Mode().Perm()
	}
	file, err := os.CreateTemp(dir, "."+filepath.Base(f.target)+".raff-mcp-*")
	if err != nil {
		return err
	}
	temporary := file.Name()
	if err := f.fill(file, text, writeFile, mode); err != nil {
		return err
	}
	err = cmp.Or(f.step(compare), f.unchanged())
	if err == nil {
		err = f.step(replaceFile)
	}
	if err == nil {
		err = f.publish(temporary)
	}
	if err != nil {
		_ = os.Remove(temporary)
	}
	return err
}

// fill writes a new file, closes it, and removes it if that fails. The mode is set last,
// so that nobody else can read a file whose owner is not yet right.
func (f *File) fill(file *os.File, text []byte, writing step, mode fs.FileMode) error {
	err := f.step(writing)
	if err == nil {
		_, err = file.Write(text)
	}
	if err == nil {
		err = f.step(setOwner)
	}
	if err == nil && f.Exists {
		err = copyOwner(file, f.info)
	}
	if err == nil {
		err = file.Chmod(mode)
	}
	if err == nil {
		err = f.step(syncFile)
	}
	if err == nil {
		err = file.Sync()
	}
	if err = cmp.Or(err, file.Close()); err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// publish gives the new file its name. If the file did not exist, it must still not.
func (f *File) publish(temporary string) error {
	if !f.Exists {
		err := os.Link(temporary, f.target)
		if err == nil {
			_ = os.Remove(temporary)
			return nil
		}
		if errors.Is(err, fs.ErrExist) {
			return errChanged
		}
		// The file system has no hard links.
	}
	return os.Rename(temporary, f.target)
}
