package delivery

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// folder is a private directory that gets a file for each secret. A file is
// complete or absent, whenever the program dies, and none is ever overwritten.
//
// A file is written under a temporary name. The usual helpers then rename it, which
// replaces what has that name; here a hard link gives it the final name, which fails
// if the name is taken. Linux has files that need no temporary name (O_TMPFILE), but
// they disappear if the program is killed before they get a name, and with them the
// only copy of a secret. A temporary file stays, and sweep saves it.
type folder struct {
	path      string
	extension string
	encode    func(value) []byte
	log       *slog.Logger
	sync      func(*os.File) error // (*os.File).Sync
}

func newFolder(path, format string, log *slog.Logger) folder {
	f := folder{path, ".key", func(v value) []byte { return []byte(v) }, log, (*os.File).Sync}
	if format == "env" {
		f.extension, f.encode = ".env", envLine
	}
	return f
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
	data, base := f.encode(v), fileName(k)
	name, err := f.add(root, temporaryName(base+f.extension, len(data)), base, f.extension, data)
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
	f.sweepRoot(root)
	name, err := f.add(root, probeName(), strings.TrimSuffix(probeName(), probeSuffix), probeSuffix, bytes.Repeat([]byte("#"), probeSize))
	if err == nil {
		err = root.Remove(name)
	}
	if err != nil {
		return f.fault(err)
	}
	return f.same(root)
}

// open opens the directory, which it creates if need be.
func (f folder) open() (*os.Root, error) {
	if !filepath.IsAbs(f.path) {
		return nil, errors.New("there is no directory for it")
	}
	if err := os.MkdirAll(f.path, 0o700); err != nil {
		return nil, f.fault(err)
	}
	return f.openExisting()
}

// openExisting opens the directory and checks that it is private. What is done in
// the root that it returns happens in that directory, whatever becomes of its path
// meanwhile.
func (f folder) openExisting() (*os.Root, error) {
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

// add makes a file with the first name that is free, and returns that. If the
// program is killed meanwhile, the temporary file may be left.
func (f folder) add(root *os.Root, temporary, base, extension string, data []byte) (string, error) {
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer root.Remove(temporary)
	err = f.write(file, data)
	if err := cmp.Or(err, file.Close()); err != nil {
		return "", err
	}
	return f.link(root, temporary, base, extension)
}

func (f folder) write(file *os.File, data []byte) error {
	if err := file.Chmod(0o600); err != nil { // the umask may have removed more
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	return f.sync(file)
}

// maxNames is how many names are tried.
const maxNames = 10_000

// link gives a file the first name that is free. What differs from a name only in
// case or in its Unicode form is the same name for some file systems, which then
// report that it exists.
func (f folder) link(root *os.Root, temporary, base, extension string) (string, error) {
	for n := range maxNames {
		name := base + extension
		if n > 0 {
			name = fmt.Sprintf("%s-%d%s", base, n+1, extension)
		}
		err := root.Link(temporary, name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			if err = syncDir(root, f.sync); err != nil {
				_ = root.Remove(name)
			}
		}
		return name, err
	}
	return "", errors.New("too many files of that name")
}
