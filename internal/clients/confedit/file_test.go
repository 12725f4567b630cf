package confedit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	oldText = "{\n  \"old\": true\n}\n"
	newText = "{\n  \"old\": true,\n  \"new\": true\n}\n"
)

// tempFile returns the path of a file with oldText in a directory of its own.
func tempFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mcp.json")
	writeText(t, path, oldText)
	return path
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func mustRead(t *testing.T, path string) *File {
	t.Helper()
	f, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// names returns the names of the files in a directory.
func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// checkRefused checks that an error names the file, says that it was left alone, and has
// two sentences, and that the directory contains no other file than before.
func checkRefused(t *testing.T, path string, err error, want string) {
	t.Helper()
	form := regexp.MustCompile(`(?s)^` + regexp.QuoteMeta(path) + ` was left as it was: .+\. [A-Z].+\.$`)
	if err == nil || !form.MatchString(err.Error()) || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want one with %q", err, want)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	for _, e := range entries {
		name := e.Name()
		if strings.Contains(name, ".bak-") || strings.Contains(name, ".raff-mcp-") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestWriteReplacesAndKeepsBackup(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	f := mustRead(t, path)
	if string(f.Text) != oldText || !f.Exists {
		t.Fatalf("got %q, %t", f.Text, f.Exists)
	}
	backup, err := f.Write([]byte(newText))
	if err != nil {
		t.Fatal(err)
	}
	if got := readText(t, path); got != newText {
		t.Errorf("got %q, want %q", got, newText)
	}
	if got := readText(t, backup); got != oldText {
		t.Errorf("backup: got %q, want %q", got, oldText)
	}
	if form := regexp.MustCompile(`^mcp\.json\.bak-\d{8}T\d{6}Z$`); !form.MatchString(filepath.Base(backup)) || filepath.Dir(backup) != filepath.Dir(path) {
		t.Errorf("got backup %s", backup)
	}
	if got := names(t, filepath.Dir(path)); len(got) != 2 {
		t.Errorf("got files %q", got)
	}
}

func TestBackupsAreNotOverwritten(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	seen := map[string]string{}
	for i := range 5 {
		f := mustRead(t, path)
		backup, err := f.Write(fmt.Append(nil, i))
		if err != nil {
			t.Fatal(err)
		}
		seen[backup] = string(f.Text)
	}
	if len(seen) != 5 {
		t.Fatalf("got backups %v", seen)
	}
	for backup, want := range seen {
		if got := readText(t, backup); got != want {
			t.Errorf("%s: got %q, want %q", backup, got, want)
		}
	}
}

func TestTooManyBackups(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) { // in which the time stands still
		base := path + ".bak-" + time.Now().UTC().Format(backupTime)
		writeText(t, base, "")
		for n := range maxBackups {
			writeText(t, fmt.Sprintf("%s-%d", base, n+1), "")
		}
		_, err := mustRead(t, path).Write([]byte(newText))
		if err == nil || !strings.Contains(err.Error(), "it has too many backups. Remove some of them, and try again.") {
			t.Errorf("got %v", err)
		}
		if got := readText(t, path); got != oldText {
			t.Errorf("got %q", got)
		}
	})
}

func TestWriteSameTextDoesNothing(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if backup, err := mustRead(t, path).Write([]byte(oldText)); backup != "" || err != nil {
		t.Errorf("got %q, %v", backup, err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || len(names(t, filepath.Dir(path))) != 1 {
		t.Errorf("the file was replaced: %v", err)
	}
}

func TestNewFile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "b")
	path := filepath.Join(dir, "mcp.json")
	f := mustRead(t, path)
	if f.Exists || len(f.Text) > 0 {
		t.Fatalf("got %q, %t", f.Text, f.Exists)
	}
	if backup, err := f.Write(nil); backup != "" || err != nil {
		t.Fatalf("got %q, %v", backup, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("writing nothing made the directory: %v", err)
	}
	if backup, err := f.Write([]byte(newText)); backup != "" || err != nil {
		t.Fatalf("got %q, %v", backup, err)
	}
	if got := readText(t, path); got != newText || len(names(t, dir)) != 1 {
		t.Errorf("got %q, %q", got, names(t, dir))
	}
	if runtime.GOOS == "windows" {
		return
	}
	for path, want := range map[string]fs.FileMode{path: 0o600, dir: fs.ModeDir | 0o700, filepath.Dir(dir): fs.ModeDir | 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: got %v, want %v", path, info.Mode(), want)
		}
	}
}

func TestEmptyFileHasNoBackup(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mcp.json")
	writeText(t, path, "")
	if backup, err := mustRead(t, path).Write([]byte(newText)); backup != "" || err != nil {
		t.Errorf("got %q, %v", backup, err)
	}
	if got := readText(t, path); got != newText || len(names(t, filepath.Dir(path))) != 1 {
		t.Errorf("got %q", got)
	}
}

// Whatever another program does to the file, before Write or in the middle of it, Write
// leaves that program's file alone.
func TestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	changes := map[string]func(t *testing.T, path string){
		"content": func(t *testing.T, path string) { writeText(t, path, "{}") },
		"content of the same size and time": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, path, strings.Replace(oldText, "old", "odd", 1))
			if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		"time": func(t *testing.T, path string) {
			if err := os.Chtimes(path, time.Time{}, time.Unix(1e9, 0)); err != nil {
				t.Fatal(err)
			}
		},
		"replaced by the same text": func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, path+"~", oldText)
			if err := os.Chtimes(path+"~", time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+"~", path); err != nil {
				t.Fatal(err)
			}
		},
		"removed": func(t *testing.T, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, change := range changes {
		for _, when := range []step{"", compare} {
			t.Run(name+" "+string(when), func(t *testing.T) {
				t.Parallel()
				path := tempFile(t)
				f := mustRead(t, path)
				if when == "" {
					change(t, path)
				} else {
					f.step = func(s step) error {
						if s == when {
							change(t, path)
						}
						return nil
					}
				}
				_, err := f.Write([]byte(newText))
				checkRefused(t, path, err, "another program has changed it")
				if text, _ := os.ReadFile(path); string(text) == newText {
					t.Error("the file was replaced")
				}
			})
		}
	}
}

func TestCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, when := range []step{makeDirectory, compare, replaceFile} {
		t.Run(string(when), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "mcp.json")
			f := mustRead(t, path)
			f.step = func(s step) error {
				if s == when {
					writeText(t, path, oldText)
				}
				return nil
			}
			_, err := f.Write([]byte(newText))
			checkRefused(t, path, err, "another program has changed it")
			if got := readText(t, path); got != oldText {
				t.Errorf("got %q", got)
			}
		})
	}
}

// steps are the calls of File.step when a file is replaced.
var steps = []step{
	makeDirectory,
	createBackup, writeBackup, setOwner, syncFile,
	createFile, writeFile, setOwner, syncFile,
	compare, replaceFile,
	syncDirectory,
}

func TestSteps(t *testing.T) {
	t.Parallel()
	f := mustRead(t, tempFile(t))
	var got []step
	f.step = func(s step) error {
		got = append(got, s)
		return nil
	}
	if _, err := f.Write([]byte(newText)); err != nil || !slices.Equal(got, steps) {
		t.Errorf("got %q, %v, want %q", got, err, steps)
	}
}

// If a step fails, the old file stays, and nothing else does.
func TestEveryStepCanFail(t *testing.T) {
	t.Parallel()
	for i, failing := range steps[:len(steps)-1] {
		t.Run(fmt.Sprint(i, " ", failing), func(t *testing.T) {
			t.Parallel()
			path := tempFile(t)
			f := mustRead(t, path)
			fault, call := errors.New("no space left on device"), 0
			f.step = func(s step) error {
				if call++; call == i+1 {
					return fault
				}
				return nil
			}
			_, err := f.Write([]byte(newText))
			checkRefused(t, path, err, fault.Error())
			if !errors.Is(err, fault) {
				t.Errorf("got error %v", err)
			}
			if got := readText(t, path); got != oldText || len(names(t, filepath.Dir(path))) != 1 {
				t.Errorf("got %q, %q", got, names(t, filepath.Dir(path)))
			}
		})
	}
}

// A file that was only just left behind may belong to a program that runs.
func TestWriteSweeps(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	dir, long := filepath.Dir(path), time.Now().Add(-2*time.Hour)
	for name, age := range map[string]time.Time{".mcp.json.raff-mcp-1": long, ".mcp.json.raff-mcp-2": time.Now(), ".other.raff-mcp-3": long} {
		writeText(t, filepath.Join(dir, name), "")
		if err := os.Chtimes(filepath.Join(dir, name), age, age); err != nil {
			t.Fatal(err)
		}
	}
	backup, err := mustRead(t, path).Write([]byte(newText))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{".mcp.json.raff-mcp-2", ".other.raff-mcp-3", "mcp.json", filepath.Base(backup)}
	if got := names(t, dir); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A program that was killed between the two parts of renameNew leaves a second name.
func TestWriteSweepsSecondName(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	if err := os.Link(path, filepath.Join(filepath.Dir(path), ".mcp.json.raff-mcp-1")); err != nil {
		t.Skip(err)
	}
	if _, err := mustRead(t, path).Write([]byte(newText)); err != nil {
		t.Error(err)
	}
	if got := names(t, filepath.Dir(path)); len(got) != 2 {
		t.Errorf("got files %q", got)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := ReadFile(dir)
	checkRefused(t, dir, err, "not a regular file")

	large := filepath.Join(dir, "large.json")
	writeText(t, large, "")
	if err := os.Truncate(large, maxFileBytes+1); err != nil {
		t.Fatal(err)
	}
	_, err = ReadFile(large)
	checkRefused(t, large, err, "larger than 64 MiB")

	_, err = ReadFile(filepath.Join(large, "mcp.json"))
	if runtime.GOOS != "windows" { // which says that it does not exist
		checkRefused(t, filepath.Join(large, "mcp.json"), err, "not a directory")
	}
}
