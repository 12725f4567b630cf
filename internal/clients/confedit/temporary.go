package confedit

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// renameNew renames a file unless the new name is taken. Only a hard link can check that
// and take the name at once, but not every file system has them.
func renameNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		_ = os.Remove(from)
		return nil
	}
	if errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// temporaryPrefix is how the names of temporary files for a file begin.
func temporaryPrefix(path string) string { return "." + filepath.Base(path) + ".raff-mcp-" }

// create writes a temporary file next to the one with a path, and returns its path.
func (f *File) create(path string, text []byte, writing step, successor bool) (string, error) {
	file, err := os.CreateTemp(filepath.Dir(path), temporaryPrefix(path)+"*")
	if err != nil {
		return "", err
	}
	return file.Name(), f.fill(file, text, writing, successor)
}

// fill writes a new file, which only this user can read, and closes it. If that fails, it
// removes the file. A successor of the old file gets its mode as well, once it has its
// owner.
func (f *File) fill(file *os.File, text []byte, writing step, successor bool) error {
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
	if err == nil && f.Exists && successor {
		err = f.copyMode(file)
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

// copyMode gives a file the mode and the extended attributes of the old one.
func (f *File) copyMode(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	// A file system without modes may report one, but refuse to set any.
	if mode := f.info.Mode().Perm(); mode != info.Mode().Perm() {
		if err := file.Chmod(mode); err != nil {
			return err
		}
	}
	return copyAttributes(file, f.target)
}

// maxAge is after what time a temporary file belongs to a program that was killed.
const maxAge = time.Hour

// sweep removes temporary files that programs left behind when they were killed. One that
// is the file itself was about to be removed by renameNew.
func (f *File) sweep() {
	for _, path := range []string{f.Path, f.target} {
		dir := filepath.Dir(path)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), temporaryPrefix(path)) {
				continue
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() {
				continue
			}
			if time.Since(info.ModTime()) > maxAge || f.Exists && os.SameFile(info, f.info) {
				_ = os.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
}
