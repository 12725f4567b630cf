package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// A fixedFile is a file with a place for one secret: a variable in an env file, or all of
// the file. A new secret replaces the one that is there.
//
// The new file is written in a private directory beside the old one, and then renamed: if
// the program is killed, the old file or the new one is there. The directory contains a
// .gitignore, so that git never sees what a killed program left in it.
type fixedFile struct {
	path     string // absolute
	variable string // in an env file; "" if the file contains only the secret
	locks    string // directory for lock files, absolute
	log      *slog.Logger
	sync     func(*os.File) error // (*os.File).Sync
}

const (
	maxEnvFileBytes = 1 << 20
	// fileLockTimeout bounds the wait for another program that changes the file.
	fileLockTimeout = 10 * time.Second
	fileLockRetry   = 10 * time.Millisecond
)

func newFixedFile(cfg Config, log *slog.Logger) (fixedFile, error) {
	switch {
	case !filepath.IsAbs(cfg.Path):
		return fixedFile{}, errors.New("the path of the file is not absolute")
	case cfg.Delivery == "env-file" && !variableName.MatchString(cfg.Variable):
		return fixedFile{}, errors.New("not the name of a variable")
	}
	return fixedFile{cfg.Path, cfg.Variable, cfg.Locks, log, (*os.File).Sync}, nil
}

// check looks for what keeps the file from being changed, and writes nothing. It cleans up
// after a program that was killed.
func (f fixedFile) check(ctx context.Context) error {
	if err := checkGit(ctx, f.path); err != nil {
		return err
	}
	root, err := f.openDir()
	if err != nil {
		return err
	}
	defer root.Close()
	f.sweep(root)
	text, _, err := f.read(root)
	if err == nil {
		_, _, err = f.edit(text, probeValue)
	}
	return f.fault(err)
}

// probe does the same as put, but leaves the file as it is.
func (f fixedFile) probe(ctx context.Context) error { return f.try(ctx, probeValue) }

// probeValue is written for a probe. It contains no secret.
const probeValue = "raff_probe"

// try does all that a delivery of v does but the last step, which replaces the file.
func (f fixedFile) try(ctx context.Context, v value) error {
	if err := checkGit(ctx, f.path); err != nil {
		return err
	}
	_, err := f.change(ctx, v, func(*os.Root, string) error { return nil })
	return err
}

// openDir opens the directory of the file.
func (f fixedFile) openDir() (*os.Root, error) {
	dir := filepath.Dir(f.path)
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoDir(f.path)
	}
	if err != nil {
		return nil, f.fault(err)
	}
	if err := checkDir(root, dir); err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

func errNoDir(path string) error {
	return fmt.Errorf("%s: its directory does not exist: create it", path)
}

// put stores the secret. It returns where, and which key it replaced there.
func (f fixedFile) put(ctx context.Context, _ Key, v value) (string, error) {
	ctx, cancel := detach(ctx, fileLockTimeout, fileLockTimeout)
	defer cancel()
	old, err := f.change(ctx, v, func(root *os.Root, written string) error {
		if err := root.Rename(written, filepath.Base(f.path)); err != nil {
			return err
		}
		if err := syncDir(root, f.sync); err != nil {
			return err
		}
		return f.checkSame(root)
	})
	if err != nil {
		return "", err
	}
	return f.location() + replaced(old, v), nil
}

func (f fixedFile) location() string {
	if f.variable == "" {
		return f.path
	}
	return f.variable + " in " + f.path
}

// replaced describes the value that was in the place of v, if it was that of another key.
func replaced(old []string, v value) string {
	for _, text := range old {
		key, err := raffclient.ParseKey(text)
		if fingerprint := key.Fingerprint(); err == nil && fingerprint != "" && text != string(v) {
			return " (it replaced the key with the fingerprint " + fingerprint + ")"
		}
	}
	return ""
}

// change locks the file, writes what it is to contain with v beside it, and calls commit with
// the name of that. It returns the values that were in the place of v.
func (f fixedFile) change(ctx context.Context, v value, commit func(root *os.Root, written string) error) (old []string, err error) {
	unlock, err := f.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	root, err := f.openDir()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f.sweep(root)
	for range maxRewrites {
		if old, err = f.rewrite(root, v, commit); !errors.Is(err, errChanged) {
			break
		}
	}
	return old, f.fault(err)
}

// maxRewrites is how often a change begins again because another program, such as an editor,
// has changed the file meanwhile.
const maxRewrites = 5

var errChanged = errors.New("another program keeps changing it")

// rewrite reads the file and writes what it is to contain with v. The error is errChanged if
// the file changed meanwhile: an editor does not use the lock, and its change must stay.
func (f fixedFile) rewrite(root *os.Root, v value, commit func(root *os.Root, written string) error) (old []string, err error) {
	text, info, err := f.read(root)
	if err != nil {
		return nil, err
	}
	next, old, err := f.edit(text, v)
	if err != nil {
		return nil, err
	}
	return old, f.write(root, next, info, func(root *os.Root, written string) error {
		if err := f.checkUnchanged(root, text, info); err != nil {
			return err
		}
		return commit(root, written)
	})
}

// checkUnchanged returns errChanged unless the file is still as it was read, and another
// error if its directory is no longer at its path.
func (f fixedFile) checkUnchanged(root *os.Root, text []byte, info fs.FileInfo) error {
	now, is, err := f.read(root)
	switch {
	case err != nil:
		return err
	case (is == nil) != (info == nil), is != nil && is.Mode() != info.Mode(), !bytes.Equal(now, text):
		return errChanged
	}
	return f.checkSame(root)
}

// checkSame returns an error unless root is the directory at the path. Another program may
// have moved it, and the secret would not be at the path that is reported.
func (f fixedFile) checkSame(root *os.Root) error {
	opened, err := root.Stat(".")
	if err != nil {
		return err
	}
	found, err := os.Stat(filepath.Dir(f.path))
	if err == nil && !os.SameFile(opened, found) {
		err = errors.New("its directory was replaced while it was in use")
	}
	return err
}

// edit returns the text of the file with v, and the values that were in its place.
func (f fixedFile) edit(text []byte, v value) (next []byte, old []string, err error) {
	if f.variable == "" {
		return []byte(v), []string{strings.TrimSpace(string(text))}, nil
	}
	next, err = setVariable(text, f.variable, v)
	return next, variableValues(text, f.variable), err
}

// lock waits until no other program that uses this package changes the file.
func (f fixedFile) lock(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(f.locks, 0o700); err != nil {
		return nil, fmt.Errorf("the directory for locks: %w", err)
	}
	sum := sha256.Sum256([]byte(f.lockName()))
	l := flock.New(filepath.Join(f.locks, hex.EncodeToString(sum[:8])+".lock"))
	ctx, cancel := context.WithTimeout(ctx, fileLockTimeout)
	defer cancel()
	if locked, err := l.TryLockContext(ctx, fileLockRetry); !locked {
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("another program has been changing it for too long")
		}
		return nil, f.fault(err)
	}
	return func() { _ = l.Unlock() }, nil
}

// lockName is the same for all paths of the file: two destinations may reach its directory
// through different symbolic links or, on some systems, spell it differently.
func (f fixedFile) lockName() string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(f.path))
	if err != nil { // change returns an error for that
		dir = filepath.Dir(f.path)
	}
	return strings.ToLower(filepath.Join(dir, filepath.Base(f.path)))
}

// read returns the text of the file and its description, which is nil if it does not exist.
func (f fixedFile) read(root *os.Root) (text []byte, info fs.FileInfo, err error) {
	name := filepath.Base(f.path)
	found, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if err := checkOwnFile(found); err != nil {
		return nil, nil, err
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err = file.Stat()
	if err == nil && !os.SameFile(info, found) {
		err = errors.New("it was replaced while it was read")
	}
	if err != nil {
		return nil, nil, err
	}
	text, err = io.ReadAll(io.LimitReader(file, maxEnvFileBytes+1))
	if err == nil && len(text) > maxEnvFileBytes {
		err = errors.New("it is larger than 1 MiB")
	}
	return text, info, err
}

// checkOwnFile returns an error unless the file is a regular file without other names that
// other users cannot access.
func checkOwnFile(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return errors.New("it is a symbolic link: name the file that it points to")
	case !mode.IsRegular():
		return errors.New("it is not a regular file")
	}
	return checkAccess(info)
}

// The names in the private directory in which a file is written.
const (
	fixedPrefix  = ".raff-mcp-"
	fixedSuffix  = ".new"
	writtenName  = "contents"
	gitIgnore    = ".gitignore"
	gitIgnoreAll = "*\n"
)

// write writes the text into a private directory, with the mode and owner of the old file,
// and calls commit with its name.
func (f fixedFile) write(root *os.Root, text []byte, old fs.FileInfo, commit func(root *os.Root, written string) error) error {
	dir := fixedPrefix + random() + fixedSuffix
	if err := root.Mkdir(dir, 0o700); err != nil {
		return err
	}
	defer root.RemoveAll(dir)
	if err := root.WriteFile(filepath.Join(dir, gitIgnore), []byte(gitIgnoreAll), 0o600); err != nil {
		return err
	}
	written := filepath.Join(dir, writtenName)
	file, err := root.OpenFile(written, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = f.fill(file, text, old)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return commit(root, written)
}

func (f fixedFile) fill(file *os.File, text []byte, old fs.FileInfo) error {
	mode := fs.FileMode(0o600)
	if old != nil {
		mode = old.Mode().Perm()
		if err := keepOwner(file, old); err != nil {
			return fmt.Errorf("keep its owner: %w", err)
		}
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	if _, err := file.Write(text); err != nil {
		return err
	}
	return f.sync(file)
}

// sweep removes what programs left that were killed. A file in it may contain the only copy
// of a secret: then it stays, and the log names it.
func (f fixedFile) sweep(root *os.Root) {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := e.Name()
		if !e.IsDir() || !strings.HasPrefix(dir, fixedPrefix) || !strings.HasSuffix(dir, fixedSuffix) {
			continue
		}
		info, err := root.Lstat(dir)
		if err != nil || time.Since(info.ModTime()).Abs() <= staleAge {
			continue
		}
		written := filepath.Join(dir, writtenName)
		if mayBeOnlyCopy(root, written) {
			f.log.Error("a secret was not delivered, because the program was killed, and is in a temporary file: move it to where it belongs and remove the directory",
				"file", filepath.Join(filepath.Dir(f.path), written))
			continue
		}
		_ = root.RemoveAll(dir) // the next sweep tries again
	}
}

// mayBeOnlyCopy reports whether a file may contain a secret that is nowhere else.
func mayBeOnlyCopy(root *os.Root, written string) bool {
	info, err := root.Lstat(written)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() { // it is not one of this program, and could block
		return false
	}
	if err != nil || info.Size() > 2*maxEnvFileBytes { // it cannot be told
		return true
	}
	text, err := root.ReadFile(written)
	if err != nil {
		return true
	}
	for _, madeUp := range []string{probeValue, rehearsalPrefix} {
		text = bytes.ReplaceAll(text, []byte(madeUp), nil)
	}
	return bytes.Contains(text, []byte("raff_"))
}

// fault names the file in an error.
func (f fixedFile) fault(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", f.path, err)
}
