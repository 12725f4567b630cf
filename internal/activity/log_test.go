package activity_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
)

// Environment variables with which the test program is a writer; see TestManyProcesses.
const writerPath, writerName, writerLines = "ACTIVITY_TEST_PATH", "ACTIVITY_TEST_NAME", "ACTIVITY_TEST_LINES"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		writeMany(path)
		return
	}
	os.Exit(m.Run())
}

func open(t *testing.T, cfg activity.Config) *activity.Log {
	t.Helper()
	l, err := activity.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(time.Minute) })
	return l
}

// read returns the records of the log, and how many lines are broken.
func read(t *testing.T, path string) (records []activity.Record, broken int) {
	t.Helper()
	broken, err := activity.Read(path, func(l activity.Line) bool {
		records = append(records, l.Record)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, broken
}

func record(call string) activity.Record {
	return activity.Record{Call: call, Outcome: activity.Done, Tool: "create_role"}
}

// A record is in the file when Write returns, on one line, in a file that only the user
// can access.
func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "activity.jsonl")
	l := open(t, activity.Config{Path: path})
	for i := range 3 {
		l.Write(activity.Record{Call: strconv.Itoa(i), Outcome: activity.Done, Tool: "t", Name: "a\nb", Changes: []activity.Change{{Field: "name", From: "x", To: "y"}}})
		if records, _ := read(t, path); len(records) != i+1 || records[i].Call != strconv.Itoa(i) || records[i].Name != "a\nb" {
			t.Fatalf("got %+v", records)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte("\n")) != 3 {
		t.Errorf("got %q, %v", text, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]fs.FileMode{path: 0o600, path + ".lock": 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want mode %o", name, info.Mode(), err, want)
		}
	}
}

// What is not a private file is refused at start, with the remedy, and stays as it is.
func TestOpenRefuses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	for _, tt := range []struct {
		name    string
		prepare func(path string) error
		want    string
	}{
		{"readable", func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o644)) }, "is open to other users (mode 0644). Protect it: chmod 600 "},
		{"writable", func(p string) error { return errors.Join(os.WriteFile(p, nil, 0o600), os.Chmod(p, 0o620)) }, "chmod 600 "},
		{"link", func(p string) error { return os.Symlink(p+".target", p) }, "is a symbolic link. Name the file itself."},
		{"directory", func(p string) error { return os.Mkdir(p, 0o700) }, "is not a regular file. Name a file"},
		{"below a file", func(p string) error { return os.WriteFile(filepath.Dir(p), nil, 0o600) }, "Choose a file that this user can write to"},
		{"lock is a directory", func(p string) error { return os.Mkdir(p+".lock", 0o700) }, "Choose a file that this user can write to"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log")
			if tt.name == "below a file" {
				path = filepath.Join(path, "log")
			}
			if err := tt.prepare(path); err != nil {
				t.Fatal(err)
			}
			l, err := activity.Open(activity.Config{Path: path})
			if err == nil {
				l.Close(time.Second)
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), path) && tt.name != "below a file" {
				t.Errorf("got %q, want %q", err, tt.want)
			}
			if _, err := os.Stat(path + ".target"); err == nil {
				t.Error("the target of the link was created")
			}
		})
	}
}

// The file is rotated at its limit, and the number of files is limited.
func TestRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, activity.Config{Path: path, MaxBytes: 1000, Keep: 5})
	for i := range 100 {
		l.Write(record(fmt.Sprintf("%03d", i)))
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 7 { // the file, five rotated ones and the lock
		t.Errorf("got %v, %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Size() > 1000 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", file, info, err)
		}
	}
	records, broken := read(t, path)
	for i, r := range records { // the last ones, in order
		if want := fmt.Sprintf("%03d", 100-len(records)+i); r.Call != want {
			t.Fatalf("got %s, want %s", r.Call, want)
		}
	}
	if len(records) < 30 || broken != 0 {
		t.Errorf("got %d records and %d broken lines", len(records), broken)
	}
}

// A program that is killed during a rotation leaves a gap between the files. Nothing is
// lost because of it.
func TestRotationFillsAGap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := open(t, activity.Config{Path: path, MaxBytes: 1, Keep: 3})
	for i := range 4 {
		l.Write(record(strconv.Itoa(i)))
	}
	if err := os.Remove(path + ".2"); err != nil { // the record 1
		t.Fatal(err)
	}
	l.Write(record("4"))
	var calls string
	records, _ := read(t, path)
	for _, r := range records {
		calls += r.Call
	}
	if calls != "0234" {
		t.Errorf("got %s, want 0234", calls)
	}
}

// A line that was cut off does not spoil the next one. Broken lines are counted.
func TestTornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	torn := "nonsense\n" + strings.Repeat("x", 3<<20) + "\n{}\n\n" + `{"time":"2027-01-01T00:00:00Z","call":"x","outc`
	if err := os.WriteFile(path, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, activity.Config{Path: path}).Write(record("next"))
	if records, broken := read(t, path); len(records) != 1 || records[0].Call != "next" || broken != 4 {
		t.Errorf("got %+v and %d broken lines, want one and 4", records, broken)
	}
}

// A log that disappears is begun again, and one that cannot be written is reported. Write
// does not fail.
func TestLogDisappears(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	path := filepath.Join(dir, "log")
	var out bytes.Buffer
	l := open(t, activity.Config{Path: path, Logger: slog.New(slog.NewTextHandler(&out, nil))})
	l.Write(record("1"))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	l.Write(record("2"))
	if records, _ := read(t, path); len(records) != 1 || !strings.Contains(out.String(), "disappeared") {
		t.Errorf("got %+v, log %s", records, &out)
	}
	out.Reset()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	l.Write(record("3"))
	if strings.Count(out.String(), "level=ERROR msg=\"a line of the activity log could not be written\"") != 1 {
		t.Errorf("got log %s", &out)
	}
}

// A file system that hangs delays one call for a moment, and then none. What it accepts
// later is written, what does not fit in the queue is counted, and Close does not wait
// forever.
func TestFileSystemHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		hang, lines := make(chan struct{}), 0
		l := activity.StartWith(func([]byte) error {
			<-hang
			lines++
			return nil
		}, slog.New(slog.NewTextHandler(&out, nil)))
		start := time.Now()
		for range 2000 {
			l.Write(record("x"))
		}
		if got := time.Since(start); got != activity.WriteTimeout {
			t.Errorf("2000 records took %v, want %v", got, activity.WriteTimeout)
		}
		start = time.Now()
		l.Close(time.Second)
		if got := time.Since(start); got != time.Second {
			t.Errorf("Close took %v", got)
		}
		close(hang)
		synctest.Wait()
		for _, want := range []string{"does not accept lines at the moment", "a line of the activity log was dropped", "incomplete", fmt.Sprintf("lines=%d", 2000-lines)} {
			if strings.Count(out.String(), want) != 1 {
				t.Errorf("got log %s, want %q once", &out, want)
			}
		}
		if lines < 1000 {
			t.Errorf("%d lines were written", lines)
		}
	})
}

// writeMany is a separate program that writes lines.
func writeMany(path string) {
	l, err := activity.Open(activity.Config{Path: path, MaxBytes: 100_000, Keep: 10_000, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	n, _ := strconv.Atoi(os.Getenv(writerLines))
	for i := range n {
		l.Write(record(os.Getenv(writerName) + "-" + strconv.Itoa(i)))
	}
	l.Close(time.Minute)
}

// Several processes write to one log: every line arrives once, in the order in which its
// process wrote it, while the file is rotated.
func TestManyProcesses(t *testing.T) {
	const processes = 4
	lines := 20_000
	if testing.Short() {
		lines = 500
	}
	path := filepath.Join(t.TempDir(), "log")
	var writers []*exec.Cmd
	for i := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), writerPath+"="+path, writerName+"="+strconv.Itoa(i), writerLines+"="+strconv.Itoa(lines))
		out := &bytes.Buffer{}
		cmd.Stderr, cmd.Stdout = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writers = append(writers, cmd)
	}
	for _, cmd := range writers {
		if err := cmd.Wait(); err != nil || cmd.Stderr.(*bytes.Buffer).Len() > 0 {
			t.Errorf("%v: %s", err, cmd.Stderr)
		}
	}
	next := make([]int, processes)
	records, broken := read(t, path)
	for _, r := range records {
		name, number, _ := strings.Cut(r.Call, "-")
		i, _ := strconv.Atoi(name)
		if number != strconv.Itoa(next[i]) {
			t.Fatalf("got %s, want the line %d", r.Call, next[i])
		}
		next[i]++
	}
	for i, n := range next {
		if n != lines {
			t.Errorf("process %d: got %d lines, want %d", i, n, lines)
		}
	}
	if files, err := filepath.Glob(path + ".*"); broken != 0 || err != nil || len(files) < 3 {
		t.Errorf("got %d broken lines and %d files, %v", broken, len(files), err)
	}
}

// A creation whose server has ended without an outcome is unfinished; one in flight is not.
func TestUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	ended := exec.Command(os.Args[0], "-test.run=^$")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	now, dead := time.Now(), ended.Process.Pid
	var text strings.Builder
	line := func(call string, outcome activity.Outcome, at time.Time, process int) {
		fmt.Fprintf(&text, "{\"time\":%q,\"call\":%q,\"outcome\":%q,\"tool\":\"t\",\"process\":%d}\n", activity.Timestamp(at), call, outcome, process)
	}
	line("too old", activity.Begun, now.Add(-50*time.Hour), dead)
	line("finished", activity.Begun, now.Add(-time.Minute), dead)
	text.WriteString(strings.ReplaceAll(`{"time":"T","call":"finished","outcome":"done","tool":"t","id":"result"}
{"time":"T","call":"changed","outcome":"done","tool":"t","id":"other"}
`, "T", activity.Timestamp(now)))
	line("old", activity.Begun, now.Add(-20*time.Hour), os.Getppid())
	line("killed", activity.Begun, now.Add(-time.Minute), dead)
	line("in flight", activity.Begun, now.Add(-time.Minute), os.Getppid())
	line("same ID", activity.Begun, now.Add(-time.Second), os.Getpid())
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, activity.Config{Path: path})
	l.Write(activity.Record{Call: "own", Outcome: activity.Begun, Tool: "t"})
	got, err := l.Creations(now.Add(-24 * time.Hour))
	if calls := callsOf(got.Unfinished); calls != "old,killed,same ID" || err != nil {
		t.Errorf("got %s, %v", calls, err)
	}
	slices.SortFunc(got.Running, func(a, b activity.Record) int { return strings.Compare(a.Call, b.Call) })
	if calls := callsOf(got.Running); calls != "in flight,own" {
		t.Errorf("got %s as running", calls)
	}
	if at, ok := got.Results["result"]; len(got.Results) != 1 || !ok || activity.Timestamp(at) != activity.Timestamp(now) {
		t.Errorf("got the results %v", got.Results)
	}
}

func callsOf(list []activity.Record) string {
	var calls []string
	for _, r := range list {
		calls = append(calls, r.Call)
	}
	return strings.Join(calls, ",")
}

func BenchmarkWrite(b *testing.B) {
	l, err := activity.Open(activity.Config{Path: filepath.Join(b.TempDir(), "log")})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close(time.Minute)
	for b.Loop() {
		l.Write(record("x"))
	}
}
