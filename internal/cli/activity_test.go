package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// A server that is killed after its request took effect and before the response leaves the
// creation on record. The next server finds the key at its first call, and names it in the
// log on standard error and in the activity log, once.
func TestKilledDuringCreation(t *testing.T) {
	t.Parallel()
	api := sandbox.New()
	requests, effect, end := make(chan string, 1000), make(chan struct{}), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Method
		if r.Method != http.MethodPost {
			api.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(httptest.NewRecorder(), r)
		close(effect)
		<-end // there is no response
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(end) })
	home := t.TempDir()
	path := filepath.Join(home, "activity.jsonl")
	own := api.OwnerKey().Reveal()
	start := func(args ...string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.CommandContext(t.Context(), "raff-mcp", args...)
		cmd.Env = append(os.Environ(), "HOME="+home, "USERPROFILE="+home, "RAFF_API_KEY="+own, "RAFF_API_URL="+s.URL, "RAFF_MCP_ACTIVITY_LOG="+path)
		log := &bytes.Buffer{}
		cmd.Stderr = log
		return cmd, log
	}

	before := len(api.Keys())
	killed, _ := start("call", "create_api_key", `{"name":"lost one"}`)
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-effect:
	case <-time.After(time.Minute):
		t.Fatal("no request arrived")
	}
	_ = killed.Process.Kill()
	_ = killed.Wait()
	key := api.Keys()[before]
	if out := printed(t, start); strings.Count(out, "unknown") != 1 || !strings.Contains(out, "lost one") || strings.Contains(out, key.ID) {
		t.Errorf("before the next start, got %s", out)
	}

	for run := range 2 {
		for len(requests) > 0 {
			<-requests
		}
		next, log := start()
		c := mcptest.Start(t, next)
		c.Ask(mcptest.Initialize("0", "2025-06-18", "t", "{}"))
		if len(requests) != 0 {
			t.Error("a request was sent before the first call")
		}
		c.Ask(mcptest.Call("1", "list_projects", "{}"))
		c.End()
		found := strings.Contains(log.String(), "an earlier server ended during a call, and this key may be its result") && strings.Contains(log.String(), key.ID)
		if found != (run == 0) {
			t.Errorf("start %d: got log %s", run, log)
		}
	}
	out := printed(t, start)
	if strings.Count(out, "unknown") != 1 || !strings.Contains(out, key.ID) || !strings.Contains(out, key.Prefix) || strings.Count(out, "\n") != 2 {
		t.Errorf("got %s", out)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), own) || bytes.Count(text, []byte("\n")) != 2 {
		t.Errorf("got %s, %v", text, err)
	}
}

// printed returns what raff-mcp activity prints.
func printed(t *testing.T, start func(...string) (*exec.Cmd, *bytes.Buffer)) string {
	t.Helper()
	cmd, log := start("activity")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, log)
	}
	return string(out)
}

// A log that can no longer be written is a line on standard error, and the call succeeds.
func TestActivityLogBreaksWhileRunning(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no modes")
	}
	home := t.TempDir()
	path := filepath.Join(home, "activity.jsonl")
	cmd := exec.CommandContext(t.Context(), "raff-mcp", "--sandbox", "--activity-log="+path)
	cmd.Env = append(os.Environ(), "HOME="+home)
	var log bytes.Buffer
	cmd.Stderr = &log
	c := mcptest.Start(t, cmd)
	create := func(id string) {
		t.Helper()
		if answer := c.Ask(mcptest.Call(id, "create_api_key", `{"name":"ci"}`)); !strings.Contains(answer, `"value":"raff_`) {
			t.Errorf("got %s, want the secret", answer)
		}
	}
	create("1")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	create("2")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	create("3")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	create("4")
	c.End()
	for want, n := range map[string]int{"is open to other users": 2, "is not a regular file": 2, "disappeared, and a new file was begun": 1} {
		if strings.Count(log.String(), want) != n {
			t.Errorf("got log %s, want %q %d times", &log, want, n)
		}
	}
	n := 0
	if broken, err := activity.Read(path, func(activity.Line) bool { n++; return true }); n != 2 || broken != 0 || err != nil {
		t.Errorf("got %d lines, %d broken, %v", n, broken, err)
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
	for since, want := range map[string]time.Time{
		"":                     {},
		"30m":                  now.Add(-30 * time.Minute),
		"12h":                  now.Add(-12 * time.Hour),
		"7d":                   now.Add(-7 * 24 * time.Hour),
		"2w":                   now.Add(-14 * 24 * time.Hour),
		"9999w":                now.Add(-9999 * 7 * 24 * time.Hour),
		"2027-01-30":           time.Date(2027, 1, 30, 0, 0, 0, 0, time.UTC),
		"2027-01-30T10:00:00Z": time.Date(2027, 1, 30, 10, 0, 0, 0, time.UTC),
	} {
		if got, err := parseSince(since, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", since, got, err, want)
		}
	}
	for _, since := range []string{"7", "d", "-7d", "7 d", "7y", "10000d", "2027-13-01", "yesterday", " "} {
		if got, err := parseSince(since, now); err == nil {
			t.Errorf("%q: got %v, want an error", since, got)
		}
	}
}

// The row of a call is that of its last record, at the place of its first.
func TestActivityRows(t *testing.T) {
	var rows activityRows
	for _, r := range []activity.Record{
		{Call: "a", Outcome: activity.Begun}, {Call: "b", Outcome: activity.Done}, {Call: "a", Outcome: activity.Done}, {Call: "a", Outcome: activity.Reverted},
	} {
		rows.add(r)
	}
	if len(rows.list) != 2 || rows.list[0].Outcome != activity.Reverted || rows.list[1].Call != "b" {
		t.Errorf("got %+v", rows.list)
	}
	for _, tt := range []struct {
		change activity.Change
		want   string
	}{
		{activity.Change{Field: "name", From: "a", To: "b"}, "name: a → b"},
		{activity.Change{Field: "role_id", To: "x"}, "role_id: x"},
		{activity.Change{Field: "expires_at", From: "x"}, "expires_at: x → none"},
		{activity.Change{Field: "description", To: strings.Repeat("ä", 100)}, "description: " + strings.Repeat("ä", 60) + "…"},
	} {
		if got := changeText(tt.change); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if text, err := json.Marshal(activity.Record{}); err != nil || strings.Contains(string(text), "duration_ms") {
		t.Errorf("got %s, %v", text, err)
	}
}
