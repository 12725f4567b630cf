package handover

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// folder is a private directory that gets a file for each secret. A file is
// complete or absent, whenever the program dies, and none is ever overwritten.
//
// The usual helpers write a file beside the other and rename it, which replaces
// what has that name. Here a name is given to the finished file with a hard link,
// which fails if the name is taken.
type folder struct {
	path      string
	extension string
	encode    func(value) []byte
	named     bool // write under a temporary name even where a file needs none
}

func newFolder(path, format string) folder {
	if format == "env" {
		return folder{path: path, extension: ".env", encode: envLine}
	}
	return folder{path: path, extension: ".key", encode: func(v value) []byte { return []byte(v) }}
}

// plain matches what means itself in a shell and in every other reader of env
// files.
var plain = regexp.MustCompile(`^[0-9A-Za-z_./+=:@-]+$`)

// envLine quotes the secret only if it must: not every reader takes quotes off.
func envLine(v value) []byte {
	text := string(v)
	if !plain.MatchString(text) {
		text = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return []byte("RAFF_API_KEY=" + text + "\n")
}

// put makes a file for the secret and returns its path.
func (f folder) put(k Key, v value) (string, error) {
	root, err := f.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	name, err := f.add(root, f.encode(v), func(n int) string { return fileName(k, n, f.extension) })
	if err != nil {
		return "", f.fault(err)
	}
	// While it was written, the directory may have been moved away.
	if err := f.same(root); err != nil {
		_ = root.Remove(name) // it would be where nobody looks
		return "", err
	}
	return filepath.Join(f.path, name), nil
}

// probeSize is what a probe writes: a block, as a secret will take.
const probeSize = 4096 // bytes

// probe does all that put does with a file that holds no secret, and removes it.
func (f folder) probe() error {
	root, err := f.open()
	if err != nil {
		return err
	}
	defer root.Close()
	sweep(root)
	name, err := f.add(root, bytes.Repeat([]byte("#"), probeSize), func(int) string { return temporaryName() })
	if err == nil {
		err = root.Remove(name)
	}
	if err != nil {
		return f.fault(err)
	}
	return f.same(root)
}

// open opens the directory, made if need be, and sees that it is private. What
// is done in the root that it returns happens in that directory, whatever becomes
// of its path meanwhile.
func (f folder) open() (*os.Root, error) {
	if !filepath.IsAbs(f.path) {
		return nil, errors.New("there is no directory for it")
	}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return nil, f.fault(err)
	}
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return nil, f.fault(err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = f.same(root)
	}
	if err == nil {
		err = private(f.path, info)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// same reports an error unless root is the directory itself that has the path,
// and not what a link there leads to.
func (f folder) same(root *os.Root) error {
	opened, err := root.Stat(".")
	if err != nil {
		return f.fault(err)
	}
	found, err := os.Lstat(f.path)
	switch {
	case err != nil:
		return f.fault(err)
	case found.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, and must be a directory", f.path)
	case !os.SameFile(opened, found):
		return fmt.Errorf("%s was replaced by something else just now", f.path)
	}
	return nil
}

// fault names the directory in an error.
func (f folder) fault(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = fmt.Errorf("link a file there: %w", e.Err)
	}
	return fmt.Errorf("%s: %w", f.path, err)
}

// add makes a file with the first name that is free, and returns that.
func (f folder) add(root *os.Root, data []byte, name func(n int) string) (string, error) {
	if !f.named {
		if name, err := addUnnamed(root, data, name); err == nil {
			return name, nil
		} // else the file system may not know such files, or be full, which shows again
	}
	return addNamed(root, data, name)
}

// addNamed writes the file under a temporary name first. If the program is killed
// meanwhile, that is left, for sweep.
func addNamed(root *os.Root, data []byte, name func(n int) string) (string, error) {
	temporary := temporaryName()
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer root.Remove(temporary)
	err = write(file, data)
	if err := cmp.Or(err, file.Close()); err != nil {
		return "", err
	}
	return link(root, name, func(name string) error { return root.Link(temporary, name) })
}

func write(file *os.File, data []byte) error {
	if err := file.Chmod(0o600); err != nil { // the umask may have taken more away
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Sync()
}

// maxNames is how many names are tried.
const maxNames = 10_000

// link gives a file the first name that is free.
func link(root *os.Root, name func(n int) string, to func(name string) error) (string, error) {
	for n := range maxNames {
		name := name(n + 1)
		err := to(name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			if err = syncDir(root); err != nil {
				_ = root.Remove(name)
			}
		}
		return name, err
	}
	return "", errors.New("too many files of that name")
}

const temporaryPrefix, temporarySuffix = ".raff-mcp-", ".part"

func temporaryName() string { return temporaryPrefix + rand.Text() + temporarySuffix }

// abandoned is how old a temporary file is that nobody is writing any more.
const abandoned = 10 * time.Minute

// sweep removes what was left behind when the program was killed.
func sweep(root *os.Root) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), temporaryPrefix) || !strings.HasSuffix(e.Name(), temporarySuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > abandoned {
			_ = root.Remove(e.Name()) // the next sweep tries again
		}
	}
}
