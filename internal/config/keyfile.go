package config

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// A keyFile is the file for one stored key, below .raff/keys in the home directory.
type keyFile struct {
	home string // "" if there is none
	name string
}

// keyFile returns the file for an account.
func (e Environment) keyFile(account string) keyFile {
	// No two accounts have the same name, and every name is one that Windows accepts, too.
	scheme, rest, found := strings.Cut(account, "://")
	name := url.QueryEscape(account)
	if found {
		name = scheme + "_" + url.QueryEscape(rest)
	}
	return keyFile{e.homeDir(), name}
}

func (f keyFile) dir() string  { return filepath.Join(f.home, ".raff", "keys") }
func (f keyFile) path() string { return filepath.Join(f.dir(), f.name) }

// load returns the contents of the file without space around them, and whether other users
// can read it. The error is errNoFile if there is none. A file that somebody else may have
// put there is an error.
func (f keyFile) load() (text string, shared bool, err error) {
	if f.home == "" {
		return "", false, errNoFile
	}
	info, err := os.Lstat(f.path())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, errNoFile
	case err != nil:
		return "", false, pathError(f.path(), err)
	}
	if err := f.checkDirs(); err != nil {
		return "", false, err
	}
	name := printable.String(f.path())
	switch {
	case !info.Mode().IsRegular():
		return "", false, message(name + " is not a regular file. Remove it, and run raff-mcp login.")
	case isForeign(info):
		return "", false, message(name + " belongs to another user. Remove it, and run raff-mcp login.")
	}
	raw, shared, err := readPrivate(f.path(), maxKeyFileBytes)
	if err != nil {
		return "", false, err
	}
	if text = strings.TrimSpace(string(raw)); text == "" {
		return "", false, message(name + " is empty. Remove it, and run raff-mcp login.")
	}
	return text, shared, nil
}

// checkDirs returns an error if others could replace the file.
func (f keyFile) checkDirs() error {
	info, err := os.Lstat(f.dir())
	switch {
	case err != nil:
		return pathError(f.dir(), err)
	case !info.IsDir():
		return message(printable.String(f.dir()) + " is not a directory. Remove it, and run raff-mcp login.")
	}
	for _, dir := range []string{filepath.Dir(f.dir()), f.dir()} {
		if err := checkTrusted(dir, "who could replace the key"); err != nil {
			return err
		}
	}
	return nil
}

// save replaces the file with one that contains text and that only the user can read. After
// a failure, or if the program is killed, it has its old contents.
func (f keyFile) save(text string) error {
	if f.home == "" {
		return message("there is no home directory in which a key could be stored. Set HOME, or use RAFF_API_KEY_FILE.")
	}
	if err := os.MkdirAll(f.dir(), 0o700); err != nil {
		return pathError(f.dir(), err)
	}
	if err := f.checkDirs(); err != nil {
		return err
	}
	f.sweep()
	root, err := os.OpenRoot(f.dir())
	if err != nil {
		return pathError(f.dir(), err)
	}
	defer root.Close()
	if err := replaceFile(root, f.name, text+"\n"); err != nil {
		return fmt.Errorf("%s: the key could not be written: %w", printable.String(f.path()), err)
	}
	if got, _, err := f.load(); err != nil || got != text {
		return message(printable.String(f.path()) + " does not contain what was written to it. Check the file system, and try again.")
	}
	return nil
}

// remove removes the file.
func (f keyFile) remove() error {
	if err := os.Remove(f.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return pathError(f.path(), err)
	}
	return nil
}

const (
	temporaryPrefix = ".new-"
	// abandonedAfter is the age from which a temporary file belongs to a program that was killed.
	abandonedAfter = time.Minute
)

// sweep removes temporary files, which may contain keys, that programs left behind when they
// were killed.
func (f keyFile) sweep() {
	if f.home == "" {
		return
	}
	entries, _ := os.ReadDir(f.dir()) // without a directory there are none
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() && strings.HasPrefix(e.Name(), temporaryPrefix) && time.Since(info.ModTime()) > abandonedAfter {
			_ = os.Remove(filepath.Join(f.dir(), e.Name()))
		}
	}
}

// replaceFile writes a file under a temporary name and gives it its name when it is complete.
func replaceFile(root *os.Root, name, text string) error {
	temporary := temporaryPrefix + rand.Text()
	err := createFile(root, temporary, text)
	if err == nil {
		err = root.Rename(temporary, name)
	}
	if err != nil {
		_ = root.Remove(temporary)
		return err
	}
	if dir, err := root.Open("."); err == nil {
		_ = dir.Sync() // makes the name durable; not every system can
		_ = dir.Close()
	}
	return nil
}

func createFile(root *os.Root, name, text string) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return cmp.Or(err, file.Sync(), file.Close())
}
