package handover_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/handover"
)

// commandHelper is a command that secrets are given to. It leaves what it got and
// saw in the directory HANDOVER_TEST_DIR.
func commandHelper(name string) {
	leave := func(file, text string) {
		if err := os.WriteFile(filepath.Join(os.Getenv("HANDOVER_TEST_DIR"), file), []byte(text), 0o600); err != nil {
			panic(err)
		}
	}
	leave("argv", strings.Join(os.Args, "\n"))
	leave("environ", strings.Join(os.Environ(), "\n"))
	if name == "closes stdin" {
		os.Stdin.Close()
		return
	}
	if name == "reads a little" {
		_, _ = io.ReadFull(os.Stdin, make([]byte, 10))
		return
	}
	if name == "hangs" {
		select {}
	}
	if name == "hangs with a child" {
		child := background("hangs")
		leave("child", fmt.Sprint(child.Process.Pid))
		select {}
	}
	got, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	// As others see it in the list of processes.
	for _, file := range []string{"cmdline", "environ"} {
		if text, err := os.ReadFile("/proc/self/" + file); err == nil {
			leave("proc-"+file, string(text))
		}
	}
	switch name {
	case "takes":
		leave("got", string(got))
	case "refuses":
		fmt.Fprintln(os.Stderr, "vault: permission denied")
		os.Exit(1)
	case "prints":
		fmt.Printf("%s\n", got)
		fmt.Fprintf(os.Stderr, "token=%s\nhalf=%s\nother half=%s\nhex=%x\nbase64=%s\nbase64url=%s\n", got, got[:40], got[40:],
			got, base64.StdEncoding.EncodeToString(got), base64.URLEncoding.EncodeToString(append([]byte("x:"), got...)))
		os.Exit(1)
	case "prints and takes":
		fmt.Printf("%s\n", got)
		fmt.Fprintf(os.Stderr, "%s\n", got)
		leave("got", string(got))
	case "forks":
		leave("child", fmt.Sprint(background("hangs").Process.Pid))
		leave("got", string(got))
	case "says much":
		fmt.Fprint(os.Stderr, strings.Repeat("noise ", 1<<18), "\x1b[31mthe end")
		os.Exit(3)
	case "dies":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	}
}

// background starts a helper that holds our standard error, and does not wait.
func background(name string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVariable+"="+name, "HANDOVER_TEST_DIR="+os.TempDir())
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd
}

// newCommandBench returns a way whose command is that helper, and where the helper
// leaves things.
func newCommandBench(t *testing.T, helper string, timeout time.Duration) (b *bench, left string) {
	t.Helper()
	left = t.TempDir()
	t.Setenv(helperVariable, helper)
	t.Setenv("HANDOVER_TEST_DIR", left)
	t.Setenv("TMPDIR", left)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // with -race, a program ends a second later
	t.Setenv("RAFF_API_KEY", secretOf("the server's own"))
	t.Setenv("RAFF_API_KEY_FILE", "/the/server's/own")
	t.Setenv("RAFF_KEY_NAME", "a wrong one")
	t.Cleanup(func() { // what tests start ends with them
		if pid, err := os.ReadFile(filepath.Join(left, "child")); err == nil {
			n := 0
			fmt.Sscan(string(pid), &n)
			if p, err := os.FindProcess(n); err == nil {
				_ = p.Kill()
			}
		}
	})
	b = newBench(t, handover.Config{Delivery: "command", Command: "'" + os.Args[0] + "' -x 'two words'", Timeout: timeout})
	return b, left
}

func TestCommand(t *testing.T) {
	b, left := newCommandBench(t, "takes", 0)
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all := files(t, left); len(all) != 0 {
		t.Errorf("the command was run before there was a secret: %q", all)
	}
	got, err := b.deliver(t)
	if err != nil || got.Delivery != "command" || got.Location != filepath.Base(os.Args[0]) {
		t.Errorf("got %+v, %v", got, err)
	}
	if text := readFile(t, filepath.Join(left, "got")); text != secret {
		t.Errorf("the command got %q", text)
	}
	if argv := readFile(t, filepath.Join(left, "argv")); argv != os.Args[0]+"\n-x\ntwo words" {
		t.Errorf("got arguments %q", argv)
	}
	env := strings.Split(readFile(t, filepath.Join(left, "environ")), "\n")
	for _, want := range []string{"RAFF_KEY_ID=" + ci.ID, "RAFF_KEY_NAME=" + ci.Name, "RAFF_KEY_PREFIX=" + ci.Prefix} {
		if !slices.Contains(env, want) {
			t.Errorf("the environment lacks %s", want)
		}
	}
	for _, variable := range env {
		if strings.HasPrefix(variable, "RAFF_API_KEY") || strings.Contains(variable, secretOf("the server's own")) || strings.Contains(variable, "wrong") {
			t.Errorf("the environment has %s", variable)
		}
	}
	// The secret is where the command put it, and nowhere else.
	where := append(b.holders(t, left), b.holders(t, b.home)...)
	if !slices.Equal(where, []string{filepath.Join(left, "got")}) {
		t.Errorf("the secret is in %q", where)
	}
	if runtime.GOOS == "linux" && len(readFile(t, filepath.Join(left, "proc-cmdline"))) == 0 {
		t.Error("the list of processes was not looked at")
	}
}

// A command that does what it should is believed, whatever else it does.
func TestCommandSucceeds(t *testing.T) {
	for _, helper := range []string{"prints and takes", "forks"} {
		t.Run(helper, func(t *testing.T) {
			b, left := newCommandBench(t, helper, 0)
			start := time.Now()
			if got, err := b.deliver(t); err != nil || got.Delivery != "command" {
				t.Errorf("got %+v, %v", got, err)
			}
			if text := readFile(t, filepath.Join(left, "got")); text != secret {
				t.Errorf("the command got %q", text)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %v: what the command left running was waited for", took)
			}
		})
	}
}

// A command that fails: the secret is saved, and the reason told without it.
func TestCommandFails(t *testing.T) {
	for _, tt := range []struct {
		helper  string
		timeout time.Duration
		want    []string
	}{
		{"refuses", 0, []string{"exit status 1", "vault: permission denied"}},
		{"prints", 0, []string{"exit status 1", "token=[redacted]", "half=[redacted]", "hex=[redacted]", "base64=[redacted]"}},
		{"closes stdin", 0, []string{"without reading the secret"}},
		{"reads a little", 0, []string{"without reading the secret"}},
		{"hangs", 200 * time.Millisecond, []string{"did not end in 200ms and was killed"}},
		{"hangs with a child", time.Second, []string{"did not end in 1s and was killed"}},
		{"dies", 0, []string{"killed"}},
		{"says much", 0, []string{"exit status 3", "noise [31mthe end"}},
	} {
		t.Run(tt.helper, func(t *testing.T) {
			if runtime.GOOS == "windows" && tt.helper == "dies" {
				t.Skip("there it is an exit status")
			}
			b, left := newCommandBench(t, tt.helper, tt.timeout)
			b.recovers(t, append(tt.want, filepath.Base(os.Args[0]))...)
			if got := b.holders(t, left); len(got) != 0 {
				t.Errorf("the secret is in %q", got)
			}
			if len(b.log.String()) > 2000 {
				t.Errorf("the log has %d bytes", b.log.Len())
			}
			if tt.helper == "hangs with a child" {
				endsSoon(t, readFile(t, filepath.Join(left, "child")))
			}
		})
	}
}

// endsSoon checks that the process ends: it was killed with its parent.
func endsSoon(t *testing.T, pid string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	for end := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		status, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(status), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %s lives on: %s", pid, status)
		}
	}
}

// A call that is cancelled meanwhile does not stop the command.
func TestCommandOutlastsItsCall(t *testing.T) {
	b, left := newCommandBench(t, "takes", 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := b.way.Deliver(ctx, ci, raffclient.NewSecret(secret))
	if err != nil || got.Delivery != "command" || readFile(t, filepath.Join(left, "got")) != secret {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCommandRefused(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "not-executable")
	if err := os.WriteFile(script, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ command, want string }{
		{"", "there is no command"},
		{"  ", "there is no command"},
		{"gh 'secret", "a quote is not closed"},
		{"no-such-command-here x", "no-such-command-here: executable file not found"},
		{"'" + filepath.Join(dir, "absent") + "'", "absent"},
		{"''", "executable file not found"},
	} {
		_, err := handover.New(t.Context(), handover.Config{Delivery: "command", Command: tt.command})
		if _, ok := errors.AsType[*handover.NotReadyError](err); !ok {
			t.Errorf("%q: got %v", tt.command, err)
			continue
		}
		contains(t, err.Error(), "--secrets=command: ", tt.want)
	}
	if runtime.GOOS != "windows" {
		if _, err := handover.New(t.Context(), handover.Config{Delivery: "command", Command: script}); err == nil {
			t.Error("a file that cannot be run was accepted")
		}
	}
}

// A command that has gone since the start is seen before a key is made.
func TestCommandGone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a script is no command there")
	}
	script := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, handover.Config{Delivery: "command", Command: script})
	if err := os.Remove(script); err != nil {
		t.Fatal(err)
	}
	err := b.way.Ready(t.Context())
	if err == nil {
		t.Fatal("Ready: got no error")
	}
	contains(t, err.Error(), "--secrets=command: ", script, "no such file")
	b.recovers(t, "no such file")
}

// An odd key does not keep its secret from the command.
func TestCommandWithOddKey(t *testing.T) {
	b, left := newCommandBench(t, "takes", 0)
	for _, k := range []handover.Key{{}, {Name: "a\x00b\nRAFF_API_KEY=x", ID: "'; rm -rf /"}, {Name: strings.Repeat("🔑", 128)}} {
		got, err := b.way.Deliver(t.Context(), k, raffclient.NewSecret(secret))
		if err != nil || got.Delivery != "command" || readFile(t, filepath.Join(left, "got")) != secret {
			t.Errorf("%q: got %+v, %v", k.Name, got, err)
		}
	}
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"gh secret set NAME", []string{"gh", "secret", "set", "NAME"}},
		{"  a\t b\n", []string{"a", "b"}},
		{`sh -c 'vault kv put "raff/$RAFF_KEY_ID" value=-'`, []string{"sh", "-c", `vault kv put "raff/$RAFF_KEY_ID" value=-`}},
		{`a "b c"'d e'f`, []string{"a", "b cd ef"}},
		{`a '' ""`, []string{"a", "", ""}},
		{`"say \"hi\" \\ \n"`, []string{`say "hi" \ \n`}},
		{`a\ b \'c \\d`, []string{"a b", "'c", `\d`}},
		{`C:\tools\op.exe 'C:\Program Files\x'`, []string{`C:\tools\op.exe`, `C:\Program Files\x`}},
		{`$HOME ~ * # ; | $(id)`, []string{"$HOME", "~", "*", "#", ";", "|", "$(id)"}},
		{`a\`, []string{`a\`}},
		{"é ü", []string{"é", "ü"}},
	} {
		if got, err := handover.Words(tt.line); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.line, got, err, tt.want)
		}
	}
	for _, line := range []string{`'`, `"a`, `a 'b" c`, `"a\"`} {
		if got, err := handover.Words(line); err == nil {
			t.Errorf("%s: got %q, want an error", line, got)
		}
	}
}

// Any words survive being quoted.
func FuzzWords(f *testing.F) {
	f.Add("gh", "secret set", `it's "quoted" \`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		_, _ = handover.Words(a)
		var line []string
		want := []string{strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, ""), strings.ToValidUTF8(c, "")}
		for _, word := range want {
			line = append(line, "'"+strings.ReplaceAll(word, "'", `'"'"'`)+"'")
		}
		if got, err := handover.Words(strings.Join(line, " ")); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v", line, got, err)
		}
	})
}

// Nothing of a secret that is longer than a few characters is quoted, however it is
// cut or written.
func FuzzScrub(f *testing.F) {
	f.Add("token=", 0, 69, 0)
	f.Add("x", 3, 40, 2)
	f.Fuzz(func(t *testing.T, before string, from, to, form int) {
		text := secret[13:]
		switch form % 4 {
		case 1:
			text = hex.EncodeToString([]byte(secret))
		case 2:
			text = base64.StdEncoding.EncodeToString([]byte(before + secret + before))
		case 3:
			text = base64.RawURLEncoding.EncodeToString([]byte(before + secret))
		}
		from, to = min(max(from, 0), len(text)), min(max(to, 0), len(text))
		if from > to {
			from, to = to, from
		}
		got := handover.Scrub(before+" "+text[from:to]+" ", secret)
		for i := 0; i+8 <= len(secret)-13; i++ {
			piece := secret[13+i : 13+i+8]
			for _, piece := range []string{piece, hex.EncodeToString([]byte(piece))} {
				if strings.Contains(got, piece) {
					t.Fatalf("%q is in %q", piece, got)
				}
			}
		}
		for i := range 20 { // decoded, wherever it begins
			if i < len(got) {
				plain, _ := base64.RawURLEncoding.DecodeString(got[i:])
				for j := 13; j+8 <= len(secret); j++ {
					if strings.Contains(string(plain), secret[j:j+8]) {
						t.Fatalf("%q is in %q", secret[j:j+8], got)
					}
				}
			}
		}
	})
}

// Scattered over lines, between other characters or backwards, a secret is not
// quoted either.
func TestScrubScattered(t *testing.T) {
	const secret = "raff_0123456789abcdef0123456789abcdef"
	spread := strings.Join(strings.Split(secret, ""), " ")
	var folded, reversed strings.Builder
	for i, r := range secret {
		folded.WriteRune(r)
		if i%7 == 6 {
			folded.WriteByte('\n')
		}
	}
	for i := range secret {
		reversed.WriteByte(secret[len(secret)-1-i])
	}
	for _, text := range []string{spread, folded.String(), reversed.String(), "got: " + spread + "!"} {
		if got := handover.Scrub(text, secret); got != "[redacted]" {
			t.Errorf("%q: got %q", text, got)
		}
	}
	const harmless = "permission denied: /run/secrets/0123 is not writable"
	if got := handover.Scrub(harmless, secret); got != harmless {
		t.Errorf("got %q, want %q", got, harmless)
	}
}
