package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// commandHelper is a command that secrets are given to. It leaves what it got and
// saw in the directory dir.
func commandHelper(name, dir string) {
	leave := func(file, text string) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
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
	switch name {
	case "hangs":
		hang()
	case "ignores signals":
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		hang()
	case "hangs with a child":
		leave("child", fmt.Sprint(background("hangs", nil).Process.Pid))
		hang()
	}
	if other := otherCommands[name]; other != nil {
		other(leave)
		return
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
	useSecret(name, got, leave)
}

// useSecret is what the command does with what it read.
func useSecret(name string, got []byte, leave func(file, text string)) {
	switch name {
	case "takes":
		leave("got", string(got))
	case "prints":
		fmt.Printf("%s %s\n", saying, got)
		fmt.Fprintf(os.Stderr, "%s %s\n", saying, got)
		os.Exit(1)
	case "prints and takes":
		fmt.Printf("%s %s\n", saying, got)
		fmt.Fprintf(os.Stderr, "%s %s\n", saying, got)
		leave("got", string(got))
	case "prints and leaves":
		fmt.Fprintf(os.Stderr, "%s %s\n", saying, got)
		hang()
	case "forks":
		leave("child", fmt.Sprint(background("hangs", nil).Process.Pid))
		leave("got", string(got))
	case "forks with stdin":
		leave("child", fmt.Sprint(background("hangs", func(cmd *exec.Cmd) { cmd.Stdin = os.Stdin }).Process.Pid))
		leave("got", string(got))
	case "prints 1 GB":
		text := make([]byte, 1<<20)
		for range 1 << 10 {
			_, _ = os.Stderr.Write(text)
		}
		os.Exit(3)
	case "dies":
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		hang()
	}
}

// saying is what helpers print, and what nobody must see.
const saying = "permission denied by the vault"

// background starts a helper that has our standard error, and does not wait.
func background(name string, change func(*exec.Cmd)) *exec.Cmd {
	args := commandArgs(name, os.Args[4]) // in the directory of this one
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	if change != nil {
		change(cmd)
	}
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	return cmd
}

// commandArgs returns the command that is that helper, and leaves things in dir.
func commandArgs(helper, dir string) []string {
	return []string{os.Args[0], "-x", "two words", helper, dir}
}

// setOwnKey sets variables that a command must not see, and a directory for temporary
// files, which it returns.
func setOwnKey(t *testing.T) (temporary string) {
	t.Helper()
	temporary = t.TempDir()
	t.Setenv("TMPDIR", temporary)
	t.Setenv("RAFF_API_KEY", secretOf("the server's own"))
	t.Setenv("RAFF_API_KEY_FILE", "/the/server's/own")
	t.Setenv("RAFF_API_KEY_COMMAND", "op read it")
	t.Setenv("RAFF_KEY_NAME", "a wrong one")
	return temporary
}

// newCommandBench returns a way whose command is that helper, and where the helper
// leaves things. cfg may contain further settings.
func newCommandBench(t *testing.T, helper string, cfg delivery.Config) (b *bench, left string) {
	t.Helper()
	left = t.TempDir()
	t.Cleanup(func() { // what tests start ends with them
		if pid, err := os.ReadFile(filepath.Join(left, "child")); err == nil {
			n := 0
			fmt.Sscan(string(pid), &n)
			if p, err := os.FindProcess(n); err == nil {
				_ = p.Kill()
			}
		}
	})
	cfg.Delivery, cfg.Command = "command", "'"+strings.Join(commandArgs(helper, left), "' '")+"'"
	b = newBench(t, cfg)
	return b, left
}

func TestCommand(t *testing.T) {
	temporary := setOwnKey(t)
	b, left := newCommandBench(t, "takes", delivery.Config{})
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
	if argv := readFile(t, filepath.Join(left, "argv")); argv != strings.Join(commandArgs("takes", left), "\n") {
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
	where := slices.Concat(holders(t, left), holders(t, b.home), holders(t, temporary))
	if !slices.Equal(where, []string{filepath.Join(left, "got")}) {
		t.Errorf("the secret is in %q", where)
	}
	if runtime.GOOS == "linux" && len(readFile(t, filepath.Join(left, "proc-cmdline"))) == 0 {
		t.Error("the list of processes was not looked at")
	}
}

// A command that does what it should is believed, whatever else it does.
func TestCommandSucceeds(t *testing.T) {
	for _, helper := range []string{"prints and takes", "forks", "forks with stdin"} {
		t.Run(helper, func(t *testing.T) {
			t.Parallel()
			b, left := newCommandBench(t, helper, delivery.Config{})
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

// A command that fails: the secret is saved, and the reason told without anything
// that the command printed.
func TestCommandFails(t *testing.T) {
	temporary := setOwnKey(t)
	t.Cleanup(func() { // after the subtests
		if got := holders(t, temporary); len(got) != 0 {
			t.Errorf("the secret is in %q", got)
		}
	})
	for _, tt := range []struct {
		helper  string
		timeout time.Duration
		want    string
	}{
		{"prints", 0, "failed (exit status 1)"},
		{"prints 1 GB", 0, "failed (exit status 3)"},
		{"closes stdin", 0, "exited without reading the whole secret"},
		{"reads a little", 0, "exited without reading the whole secret"},
		{"hangs", 200 * time.Millisecond, "did not exit within 200ms and was killed"},
		{"prints and leaves", time.Second, "did not exit within 1s and was killed"},
		{"ignores signals", time.Second, "did not exit within 1s and was killed"},
		{"hangs with a child", time.Second, "did not exit within 1s and was killed"},
		{"dies", 0, "failed (signal: killed)"},
		{"joins another group", time.Second, "did not exit within 1s and was killed"},
		{"does not block", 0, "exited without reading the whole secret"},
	} {
		t.Run(tt.helper, func(t *testing.T) {
			t.Parallel()
			commandFails(t, tt.helper, tt.timeout, tt.want)
		})
	}
}

func commandFails(t *testing.T, helper string, timeout time.Duration, want string) {
	switch {
	case runtime.GOOS == "windows" && helper == "dies":
		want = "failed (exit status 1)"
	case otherCommands[helper] == nil && (helper == "joins another group" || helper == "does not block"):
		t.Skip("there is no such thing here")
	}
	b, left := newCommandBench(t, helper, delivery.Config{Timeout: timeout})
	start := time.Now()
	name := filepath.Base(os.Args[0])
	b.recovers(t, "It could not be delivered by command: "+name+" "+want, "printf %s raff_test | "+name+" …")
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if got := holders(t, left); len(got) != 0 {
		t.Errorf("the secret is in %q", got)
	}
	for _, hidden := range []string{saying, "two words"} {
		if strings.Contains(b.log.String(), hidden) {
			t.Errorf("the log quotes %q: %s", hidden, &b.log)
		}
	}
	if helper == "hangs with a child" {
		endsSoon(t, readFile(t, filepath.Join(left, "child")))
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
	t.Parallel()
	b, left := newCommandBench(t, "takes", delivery.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := b.way.Deliver(ctx, ci, raffclient.NewSecret(secret))
	if err != nil || got.Delivery != "command" || readFile(t, filepath.Join(left, "got")) != secret {
		t.Errorf("got %+v, %v", got, err)
	}
}

// A call that is cancelled leaves the command less time, and the reason says so.
func TestCommandHangsAfterItsCall(t *testing.T) {
	t.Parallel()
	b, _ := newCommandBench(t, "hangs", delivery.Config{}.WithWaits(200*time.Millisecond, 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := b.way.Deliver(ctx, ci, raffclient.NewSecret(secret))
	if err != nil || got.Delivery != "recovered" || readFile(t, got.Location) != secret {
		t.Errorf("got %+v, %v", got, err)
	}
	contains(t, got.Note, "did not exit within 200ms after the call was cancelled, and was killed")
}

// A delivery continues for a limited time, and for less after its call was cancelled.
func TestDeliveryEnds(t *testing.T) {
	for _, tt := range []struct {
		cancelled, limit, want time.Duration
	}{
		{time.Hour, 30 * time.Second, 30 * time.Second},
		{0, 30 * time.Second, 5 * time.Second},
		{10 * time.Second, 30 * time.Second, 15 * time.Second},
		{0, time.Second, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			call, cancel := context.WithTimeout(t.Context(), tt.cancelled)
			defer cancel()
			ctx, stop := delivery.Detach(call, tt.limit)
			defer stop()
			began := time.Now()
			<-ctx.Done()
			if took := time.Since(began); took != tt.want {
				t.Errorf("cancelled after %v, with a limit of %v: it ended after %v, want %v", tt.cancelled, tt.limit, took, tt.want)
			}
		})
	}
}

// The reason contains no error with the output of the command.
func TestCommandErrorHoldsNoOutput(t *testing.T) {
	t.Parallel()
	b, _ := newCommandBench(t, "prints", delivery.Config{})
	destroy(t, b.recovery)
	_, err := b.deliver(t)
	if _, ok := errors.AsType[*delivery.LostError](err); !ok {
		t.Fatalf("got %v, want a LostError", err)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		t.Errorf("got %#v", exit)
	}
	contains(t, err.Error(), "failed (exit status 1)")
}

func TestCommandRefused(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "not-executable")
	if err := os.WriteFile(script, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ command, want string }{
		{"", "the command is empty"},
		{"  ", "the command is empty"},
		{"gh 'secret", "a quote is not closed"},
		{"no-such-command-here x", "no-such-command-here: executable file not found"},
		{"'" + filepath.Join(dir, "absent") + "'", "absent"},
		{"''", "executable file not found"},
		{"TOKEN=hunter2 gh secret set X", "TOKEN=… is not a command: to set a variable, start the command with env"},
	} {
		_, err := delivery.New(t.Context(), delivery.Config{Delivery: "command", Command: tt.command})
		if _, ok := errors.AsType[*delivery.NotReadyError](err); !ok {
			t.Errorf("%q: got %v", tt.command, err)
			continue
		}
		contains(t, err.Error(), "--secrets=command: ", tt.want)
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got %v", err)
		}
	}
	if runtime.GOOS != "windows" {
		if _, err := delivery.New(t.Context(), delivery.Config{Delivery: "command", Command: script}); err == nil {
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
	b := newBench(t, delivery.Config{Delivery: "command", Command: script})
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
