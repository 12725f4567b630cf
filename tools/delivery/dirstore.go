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
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// dirStore stores each secret in a file of its own in a private directory. A file is
// complete or absent, even if the program is killed, and is never overwritten.
//
// A file is written under a temporary name. The usual helpers then rename it, which
// replaces an existing file; a hard link, which is used here, fails if the name is
// taken. Files without a name (O_TMPFILE on Linux) would disappear if the program were
// killed before they got one, and with them the only copy of a secret. A temporary file
// stays, and sweep recovers it.
type dirStore struct {
	path      string
	extension string
	encode    func(value) []byte
	log       *slog.Logger
	sync      func(*os.File) error // (*os.File).Sync
}

func newDirStore(path, format string, log *slog.Logger) dirStore {
	s := dirStore{path, ".key", func(v value) []byte { return []byte(v) }, log, (*os.File).Sync}
	if format == "env" {
		s.extension, s.encode = ".env", envLine
	}
	return s
}

// unquoted matches a value that needs no quotes in a shell and in other readers of env
// files.
var unquoted = lazyregexp.New(`^[0-9A-Za-z_./+=:@-]+$`)

func envLine(v value) []byte { return []byte("RAFF_API_KEY=" + shellQuoted(string(v)) + "\n") }

// shellQuoted quotes text only if necessary: not every reader of env files removes quotes.
func shellQuoted(text string) string {
	if unquoted.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// put stores the secret in a new file and returns its path.
func (s dirStore) put(k Key, v value) (string, error) {
	root, err := s.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	data, base := s.encode(v), fileName(k)
	name, err := s.create(root, temporaryName(base+s.extension, len(data)), base, s.extension, data)
	if err != nil {
		return "", s.fault(err)
	}
	// Another program may have moved the directory meanwhile.
	if err := s.checkSame(root); err != nil {
		_ = root.Remove(name) // it is not at the path that would be reported
		return "", err
	}
	return filepath.Join(s.path, name), nil
}

// probeSize is the size of the file of a probe: a block, as a secret occupies.
const probeSize = 4096 // bytes

// probe does the same as put, with a file that contains no secret, and removes it.
func (s dirStore) probe() error {
	root, err := s.open()
	if err != nil {
		return err
	}
	defer root.Close()
	s.sweepRoot(root)
	name, err := s.create(root, probeName(), strings.TrimSuffix(probeName(), probeSuffix), probeSuffix, bytes.Repeat([]byte("#"), probeSize))
	if err == nil {
		err = root.Remove(name)
	}
	if err != nil {
		return s.fault(err)
	}
	return s.checkSame(root)
}

// open opens the directory. It creates the directory if it does not exist.
func (s dirStore) open() (*os.Root, error) {
	if !filepath.IsAbs(s.path) {
		return nil, errors.New("no directory is configured for it")
	}
	if err := os.MkdirAll(s.path, 0o700); err != nil {
		return nil, s.fault(err)
	}
	return s.openExisting()
}

// openExisting opens the directory and checks that it is private. Operations on the
// returned root happen in that directory even if its path changes.
func (s dirStore) openExisting() (*os.Root, error) {
	root, err := os.OpenRoot(s.path)
	if err != nil {
		return nil, s.fault(err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = s.checkSame(root)
	}
	if err == nil {
		err = checkPrivate(s.path, info)
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

// checkSame returns an error unless root is the directory at the path, and not the
// target of a link there.
func (s dirStore) checkSame(root *os.Root) error {
	opened, err := root.Stat(".")
	if err != nil {
		return s.fault(err)
	}
	found, err := os.Lstat(s.path)
	switch {
	case err != nil:
		return s.fault(err)
	case found.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, and must be a directory", s.path)
	case !os.SameFile(opened, found):
		return fmt.Errorf("%s was replaced while it was in use", s.path)
	}
	return nil
}

// fault names the directory in an error.
func (s dirStore) fault(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = fmt.Errorf("link a file there: %w", e.Err)
	}
	return fmt.Errorf("%s: %w", s.path, err)
}

// create creates a file with the first name that is free, and returns the name. If the
// program is killed, the temporary file may remain.
func (s dirStore) create(root *os.Root, temporary, base, extension string, data []byte) (string, error) {
	file, err := root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer root.Remove(temporary)
	err = s.write(file, data)
	if err := cmp.Or(err, file.Close()); err != nil {
		return "", err
	}
	return s.link(root, temporary, base, extension)
}

func (s dirStore) write(file *os.File, data []byte) error {
	if err := file.Chmod(0o600); err != nil { // the umask may have removed more bits
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	return s.sync(file)
}

// maxNames is how many names link tries.
const maxNames = 10_000

// link gives a file the first name that is free. A file system that treats names as
// equal if they differ only in case or Unicode form reports that such a name exists.
func (s dirStore) link(root *os.Root, temporary, base, extension string) (string, error) {
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
			if err = syncDir(root, s.sync); err != nil {
				_ = root.Remove(name)
			}
		}
		return name, err
	}
	return "", errors.New("too many files of that name")
}
