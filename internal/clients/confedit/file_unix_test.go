//go:build unix

package confedit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// run returns a function that fails the test if a call failed.
func run(t *testing.T) func(error) {
	return func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteKeepsMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []fs.FileMode{0o600, 0o640, 0o644, 0o664, 0o666, 0o755} {
		path := tempFile(t)
		run(t)(os.Chmod(path, mode))
		backup, err := mustRead(t, path).Write([]byte(newText))
		run(t)(err)
		for path, want := range map[string]fs.FileMode{path: mode, backup: 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s: got %v, want %v", path, info.Mode(), want)
			}
		}
	}
}

// The new file is not readable for others while it is written.
func TestNewFileIsPrivateAtFirst(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	f := mustRead(t, path)
	checked := 0
	f.step = func(s step) error {
		for _, name := range names(t, filepath.Dir(path)) {
			info, err := os.Lstat(filepath.Join(filepath.Dir(path), name))
			if s == setOwner && err == nil && name != "mcp.json" {
				checked++
				if info.Mode() != 0o600 {
					t.Errorf("%s has mode %v", name, info.Mode())
				}
			}
		}
		return nil
	}
	_, err := f.Write([]byte(newText))
	run(t)(err)
	if checked < 2 {
		t.Errorf("checked %d files", checked)
	}
}

func TestWriteKeepsOwner(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	path := tempFile(t)
	run(t)(os.Chown(path, 1234, 2345))
	backup, err := mustRead(t, path).Write([]byte(newText))
	run(t)(err)
	for _, path := range []string{path, backup} {
		info, err := os.Stat(path)
		run(t)(err)
		if s := info.Sys().(*syscall.Stat_t); s.Uid != 1234 || s.Gid != 2345 {
			t.Errorf("%s belongs to %d:%d", path, s.Uid, s.Gid)
		}
	}
}

func TestWriteKeepsLinks(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	home, dotfiles := filepath.Join(root, "home"), filepath.Join(root, "src", "dotfiles")
	run(t)(os.MkdirAll(home, 0o700))
	run(t)(os.MkdirAll(filepath.Join(dotfiles, "claude"), 0o700))
	writeText(t, filepath.Join(dotfiles, "mcp.json"), oldText)
	// A link to a link, through a linked directory in which .. is not what it seems.
	run(t)(os.Symlink("../mcp.json", filepath.Join(dotfiles, "claude", "mcp.json")))
	run(t)(os.Symlink("../src/dotfiles/claude", filepath.Join(home, ".claude")))
	run(t)(os.Symlink(filepath.Join(home, ".claude", "mcp.json"), filepath.Join(home, ".mcp.json")))

	path := filepath.Join(home, ".mcp.json")
	backup, err := mustRead(t, path).Write([]byte(newText))
	run(t)(err)
	if got := readText(t, filepath.Join(dotfiles, "mcp.json")); got != newText {
		t.Errorf("got %q", got)
	}
	if got := readText(t, backup); got != oldText || filepath.Dir(backup) != home {
		t.Errorf("got backup %s with %q", backup, got)
	}
	for _, link := range []string{path, filepath.Join(home, ".claude", "mcp.json")} {
		if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no longer a link: %v", link, err)
		}
	}
	if got := names(t, dotfiles); len(got) != 2 {
		t.Errorf("the repository contains %q", got)
	}
}

func TestLinkToNothing(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "mcp.json")
	run(t)(os.Symlink("dotfiles/mcp.json", path))
	f := mustRead(t, path)
	if f.Exists {
		t.Error("the file exists")
	}
	_, err := f.Write([]byte(newText))
	run(t)(err)
	if got := readText(t, filepath.Join(root, "dotfiles", "mcp.json")); got != newText {
		t.Errorf("got %q", got)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("it is no longer a link: %v", err)
	}
}

func TestLinksChangedMeanwhile(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	path := filepath.Join(root, "mcp.json")
	writeText(t, filepath.Join(root, "a"), oldText)
	writeText(t, filepath.Join(root, "b"), oldText)
	run(t)(os.Symlink("a", path))
	f := mustRead(t, path)
	run(t)(os.Remove(path))
	run(t)(os.Symlink("b", path))
	_, err := f.Write([]byte(newText))
	checkRefused(t, path, err, "another program has changed it")
}

func TestModeChangedMeanwhile(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	f := mustRead(t, path)
	run(t)(os.Chmod(path, 0o600))
	_, err := f.Write([]byte(newText))
	checkRefused(t, path, err, "another program has changed it")
}

func TestBecamePipeMeanwhile(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	f := mustRead(t, path)
	run(t)(errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)))
	_, err := f.Write([]byte(newText))
	checkRefused(t, path, err, "not a regular file")
}

// A file that belongs to somebody else would change hands, unless it is root who replaces
// it.
func TestOwnerCannotBeKept(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may give files away")
	}
	root, err := os.Stat("/")
	run(t)(err)
	path := tempFile(t)
	f := mustRead(t, path)
	f.step = func(s step) error {
		if s == setOwner {
			f.info = root
		}
		return nil
	}
	_, err = f.Write([]byte(newText))
	checkRefused(t, path, err, "its owner or group could not be kept. Run the command as the file's owner.")
	if got := readText(t, path); got != oldText {
		t.Errorf("got %q", got)
	}
}

func TestRefusesUnix(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		prepare    func(path string) error
	}{
		{"a named pipe", "not a regular file", func(path string) error {
			return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600))
		}},
		{"links in a circle", "never end", func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink("mcp.json", path))
		}},
		{"a device", "not a regular file", func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink("/dev/null", path))
		}},
		{"read-only", "it is read-only", func(path string) error { return os.Chmod(path, 0o444) }},
		{"hard links", "it has 2 names (hard links)", func(path string) error { return os.Link(path, path+"-2") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := tempFile(t)
			run(t)(tt.prepare(path))
			f, err := ReadFile(path)
			if err == nil {
				_, err = f.Write([]byte(newText))
				if got := readText(t, path); got != oldText {
					t.Errorf("got %q", got)
				}
			}
			checkRefused(t, path, err, tt.want)
		})
	}
}

func TestDirectoryIsNotWritable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	path := tempFile(t)
	run(t)(os.Chmod(filepath.Dir(path), 0o500))
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
	_, err := mustRead(t, path).Write([]byte(newText))
	checkRefused(t, path, err, "permission denied. Allow this user to write the file and its directory")
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// The path in a message may have been chosen by somebody else.
func TestFaultIsPrintable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a\x1b[2J")
	run(t)(os.Mkdir(path, 0o700))
	_, err := ReadFile(path)
	if err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
}
