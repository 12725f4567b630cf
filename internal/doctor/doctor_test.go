package doctor_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

func TestHealthy(t *testing.T) {
	r := examine(t, doctor.Config{}, entry(t, "none"))
	if !r.OK || len(r.NotChecked) > 0 {
		t.Errorf("got %+v", r)
	}
	for _, name := range []string{"entry", "command", "start", "handshake", "binary", "tools", "key", "account", "permissions", "expiry", "tier", "configuration", "delivery"} {
		find(t, r, name)
	}
}

// Each fault of a server is named, and so is what could not be checked because of it.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		fault   string
		check   string // that fails
		want    string // part of its text
		detail  string // part of its details
		skipped string // a check that is not made
	}{
		{"dies", "start", "exited with code 3 before it responded to initialize", "no such profile: work", "handshake"},
		{"dies silently", "start", "exited with code 0", "", "key"},
		{"dies later", "start", "exited with code 1", "out of memory", "tools"},
		{"hangs", "handshake", "did not respond to initialize within", "", "binary"},
		{"closes stdout", "handshake", "did not respond to initialize within", "", "key"},
		{"only junk", "output", "still loading", "", "key"},
		{"junk", "output", "Welcome! raff_5ec2e7c0…[redacted]␛[31m", "", ""},
		{"long line", "output", "a line of more than 4 MiB", "", ""},
		{"refuses", "handshake", "refused initialize: not today", "", "key"},
		{"another server", "binary", `calls itself "weather`, "", "key"},
		{"version 0.9.9", "binary", "is older: version 0.9.9, and this program is 1.2.3", "", ""},
		{"version 1.3.0", "binary", "is newer: version 1.3.0", "", ""},
		{"version 1.2.3-rc.1", "binary", "is older: version 1.2.3-rc.1", "", ""},
		{"version 1.2.3+dirty", "binary", "is another one: version 1.2.3+dirty", "", ""},
		{"version devel", "binary", "is another one: version devel", "", ""},
		{"no tools", "tools", "offers no tools", "", "key"},
		{"nonsense", "tools", "does not have the form", "", "key"},
		{"no whoami", "key", "has no tool whoami", "", "account"},
		{"whoami fails", "key", "whoami failed: no luck", "", "account"},
		{"asks", "requests", "elicitation/create", "", ""},
		{"never exits", "exit", "did not exit within", "", ""},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			limit := 30 * time.Second
			if strings.Contains("hangs closes stdout only junk", tt.fault) {
				limit = 300 * time.Millisecond
			}
			e := entry(t, tt.fault, "ALIVE=127.0.0.1:1")
			r := examine(t, doctor.Config{Handshake: limit, Exit: time.Second}, e)
			c := find(t, r, tt.check)
			if c.OK || r.OK || !strings.Contains(c.Text, tt.want) || c.Fix == "" {
				t.Errorf("got %+v, want %s", c, tt.want)
			}
			if got := strings.Join(c.Details, "\n"); !strings.Contains(got, tt.detail) {
				t.Errorf("got details %q, want %s", got, tt.detail)
			}
			if tt.skipped != "" && !strings.Contains(strings.Join(r.NotChecked, " "), tt.skipped) {
				t.Errorf("got not checked %q, want %s", r.NotChecked, tt.skipped)
			}
		})
	}
}

// Standard error is read however much it is, and does not disturb.
func TestNoise(t *testing.T) {
	for _, fault := range []string{"noisy", "noisy line"} {
		if r := examine(t, doctor.Config{}, entry(t, fault)); !r.OK {
			t.Errorf("%s: got %+v", fault, r)
		}
	}
}

// A process that the server has started is not left behind.
func TestNoOrphans(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no process groups")
	}
	for _, fault := range []string{"leaves a child", "never exits"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		examine(t, doctor.Config{Exit: time.Second}, entry(t, fault, "ALIVE="+l.Addr().String()))
		conn, err := l.Accept() // the server has waited for the child to connect
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the child still runs", fault)
		}
	}
}

// A server that is being examined does not outlive the end of the context.
func TestInterrupt(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if _, err := l.Accept(); err == nil {
			cancel()
		}
	}()
	e := entry(t, "child", "ALIVE="+l.Addr().String()) // it serves nothing, and waits
	var got []doctor.Result
	doctor.Run(ctx, doctor.Config{}, []doctor.Entry{e, e, e, e, e, e}, func(r doctor.Result) { got = append(got, r) })
	if ctx.Err() == nil || len(got) != 6 || got[0].OK {
		t.Errorf("got %v, %+v", ctx.Err(), got)
	}
}

// Warnings in the log are shown: one may say where a secret is.
func TestLog(t *testing.T) {
	r := examine(t, doctor.Config{}, entry(t, "warns"))
	c := find(t, r, "log")
	if c.OK || len(c.Details) != 2 || !strings.Contains(c.Details[0], "a secret was found") {
		t.Errorf("got %+v", c)
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	program := entry(t, "none").Launch.Command
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte("\x00\x01\x02"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, command, dir string
		check, want        string
		unix               bool
	}{
		{name: "none", command: "", check: "command", want: "contains no command"},
		{name: "absent", command: filepath.Join(dir, "absent"), check: "command", want: "absent does not exist"},
		{name: "not in PATH", command: "raff-mcp", check: "command", want: "was not found in the PATH"},
		{name: "directory", command: dir, check: "command", want: "cannot be started: it is a directory"},
		{name: "not executable", command: plain, check: "command", want: "is not executable", unix: true},
		{name: "not a program", command: garbage, check: "start", want: "for another system or processor", unix: true},
		{name: "relative", command: "." + string(filepath.Separator) + filepath.Base(program), dir: filepath.Dir(program), check: "command", want: "is relative"},
		{name: "absent directory", command: program, dir: filepath.Join(dir, "absent"), check: "command", want: "working directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.unix && runtime.GOOS == "windows" {
				t.Skip("the modes are those of Unix")
			}
			e := entry(t, "none", "PATH="+dir)
			e.Launch.Command, e.Launch.Dir = tt.command, tt.dir
			r := examine(t, doctor.Config{Executable: program}, e)
			if c := find(t, r, tt.check); c.OK || c.Fix == "" || !strings.Contains(c.Text, tt.want) {
				t.Errorf("got %+v, want %s", c, tt.want)
			}
		})
	}
}

// A command without a path is looked up in the PATH that the client passes on.
func TestCommandInPath(t *testing.T) {
	program := entry(t, "none").Launch.Command
	e := entry(t, "none", "PATH="+filepath.Dir(program))
	e.Launch.Command = filepath.Base(program)
	r := examine(t, doctor.Config{Executable: program}, e)
	if c := find(t, r, "command"); !r.OK || !strings.Contains(c.Text, "was found through PATH") {
		t.Errorf("got %+v", r)
	}
}

func TestVariables(t *testing.T) {
	settings := config.Settings(config.Choices{Toolsets: []string{"roles"}, Confirm: []string{"auto"}})
	none := `WHOAMI={"summary":"No Raff API key is configured.","sandbox":false}`
	for _, tt := range []struct {
		name     string
		withheld []string
		vars     []string
		args     []string
		ok, says bool
	}{
		{"the key", []string{"RAFF_API_KEY"}, []string{none}, nil, false, true},
		{"the key, and there is another", []string{"RAFF_API_KEY"}, nil, nil, true, true},
		{"the key, but the entry sets it", []string{"RAFF_API_KEY"}, []string{"RAFF_API_KEY=x"}, nil, true, false},
		{"where secrets go", []string{"RAFF_MCP_SECRETS"}, nil, nil, false, true},
		{"where secrets go, and a flag says it", []string{"RAFF_MCP_SECRETS"}, nil, []string{"--secrets=file"}, true, true},
		{"of another program", []string{"GITHUB_TOKEN"}, nil, nil, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := entry(t, "none", tt.vars...)
			e.Withheld, e.Launch.Args = tt.withheld, append(tt.args, "--sandbox")
			r := examine(t, doctor.Config{Settings: settings}, e)
			var got []doctor.Check
			for _, c := range r.Checks {
				if c.Name == "variables" {
					got = append(got, c)
				}
			}
			if tt.says != (len(got) == 1) || tt.says && (got[0].OK != tt.ok || !strings.Contains(got[0].Text, tt.withheld[0])) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	settings := config.Settings(config.Choices{Toolsets: []string{"roles"}, Confirm: []string{"auto"}})
	none := `WHOAMI={"summary":"No Raff API key is configured.","sandbox":false}`
	for _, tt := range []struct {
		name       string
		unexpanded []string
		vars, args []string
		ok, says   bool
		want       string
	}{
		{"kept", []string{"${RAFF_API_KEY}"}, []string{"RAFF_API_KEY=${RAFF_API_KEY}"}, nil, false, true, "does not replace this, because the variable is not set or the client does not know the form: ${RAFF_API_KEY}"},
		{"not known to the client", nil, []string{"RAFF_API_URL=${env:URL}"}, nil, false, true, "${env:URL} in RAFF_API_URL"},
		{"argument", nil, nil, []string{"--project-id=${PROJECT}"}, false, true, "${PROJECT}"},
		{"for the command", []string{"${RAFF_KEY_ID}"}, nil, []string{"--secrets-command", "sh -c 'x ${RAFF_KEY_ID} ${HOME}'"}, true, false, ""},
		{"lost", []string{"$RAFF_API_KEY"}, []string{none}, nil, false, true, "replaces this with nothing"},
		{"lost, but there is another key", []string{"$RAFF_API_KEY"}, nil, nil, true, true, "works without it"},
		{"asked for", []string{"${input:key}"}, []string{"RAFF_API_KEY=${input:key}"}, nil, false, true, "asks the user for ${input:key}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := entry(t, "none", tt.vars...)
			e.Unexpanded, e.Launch.Args = tt.unexpanded, append(tt.args, "--sandbox")
			r := examine(t, doctor.Config{Settings: settings}, e)
			var got []doctor.Check
			for _, c := range r.Checks {
				if c.Name == "placeholders" {
					got = append(got, c)
				}
			}
			if tt.says != (len(got) == 1) || tt.says && (got[0].OK != tt.ok || !strings.Contains(got[0].Text, tt.want)) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestProblemOfEntry(t *testing.T) {
	e := entry(t, "none")
	e.Problem = errors.New("settings.json is not JSON. Correct line 3.")
	r := examine(t, doctor.Config{}, e)
	if c := find(t, r, "entry"); c.OK || c.Fix != "Correct line 3." || len(r.Checks) != 1 || len(r.NotChecked) == 0 {
		t.Errorf("got %+v", r)
	}
}

// What the server says about its key decides.
func TestIdentity(t *testing.T) {
	with := func(members string) string { return strings.TrimSuffix(whoami, "}") + "," + members + "}" }
	for _, tt := range []struct {
		name, whoami string
		check        string
		ok           bool
		want         string
	}{
		{"accepted", whoami, "key", true, `"MCP" (raff_0a0a0a0a from RAFF_API_KEY) is accepted`},
		{"rejected", `{"key_source":"RAFF_API_KEY","unknown":["Its name is unknown. The server's API key was rejected. Replace it."]}`, "key", false, "was rejected"},
		{"no key", `{"summary":"There is none. Set RAFF_API_KEY."}`, "key", false, "no usable API key"},
		{"a key instead of its source", `{"summary":"` + planted + `"}`, "key", false, ""},
		{"never expires", whoami, "expiry", true, "never"},
		{"expired", with(`"expires_at":"2026-01-01T00:00:00Z","days_left":-3`), "expiry", false, "expired at 2026-01-01"},
		{"expires soon", with(`"expires_at":"2026-01-01T00:00:00Z","days_left":6`), "expiry", false, "fewer than 7 days"},
		{"expires later", with(`"expires_at":"2026-01-01T00:00:00Z","days_left":7`), "expiry", true, "7 days"},
		{"not a date", with(`"expires_at":"soon"`), "expiry", false, "does not say"},
		{"cannot create", with(`"missing_permissions":[{"permission":"account.apikeys.create","tools":["create_api_key"]}]`), "permissions", false, "create_api_key (account.apikeys.create)"},
		{"cannot revoke", with(`"missing_permissions":[{"permission":"account.apikeys.revoke","tools":["revoke_api_key"]}]`), "permissions", true, "revoke_api_key"},
		{"cannot list", `{"key_source":"RAFF_API_KEY","missing_permissions":[{"permission":"account.apikeys.view","tools":["list_api_keys"]}]}`, "permissions", false, "lacks account.apikeys.view"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := examine(t, doctor.Config{}, entry(t, "none", "WHOAMI="+tt.whoami))
			if c := find(t, r, tt.check); c.OK != tt.ok || !strings.Contains(c.Text+c.Fix, tt.want) || !c.OK && c.Fix == "" {
				t.Errorf("got %+v, want %s", c, tt.want)
			}
		})
	}
}

// What the program says about itself is untrusted: only known checks count, and no key and
// no control characters are shown.
func TestSelfReportIsUntrusted(t *testing.T) {
	r := examine(t, doctor.Config{}, entry(t, "none",
		`SELF={"entries":[{"checks":[{"name":"files","ok":false,"text":"a \u001b[2J`+planted+`","fix":"b\nc","details":["`+planted+`"]},{"name":"tools","ok":false,"text":"x"}],"not_checked":["clock","start"]}]}`))
	c := find(t, r, "files")
	if strings.ContainsAny(c.Text+c.Fix, "\x1b\n") || len(r.NotChecked) != 1 || find(t, r, "tools").Text != "2 tools" {
		t.Errorf("got %+v", r)
	}
	for _, text := range []string{"", "no JSON", `{"entries":[]}`} {
		r := examine(t, doctor.Config{}, entry(t, "none", "SELF="+text))
		if c := find(t, r, "configuration"); c.OK || !strings.Contains(c.Text, "could not check itself") {
			t.Errorf("%q: got %+v", text, c)
		}
	}
}

// A server of another version is not run a second time: it may not know the command.
func TestOtherVersionIsNotInspected(t *testing.T) {
	r := examine(t, doctor.Config{Executable: t.TempDir()}, entry(t, "version 0.9.0"))
	if !strings.Contains(strings.Join(r.NotChecked, " "), "delivery") {
		t.Errorf("got %+v", r)
	}
}

// A newer server is not to be replaced by this program.
func TestNewerVersion(t *testing.T) {
	c := find(t, examine(t, doctor.Config{}, entry(t, "version 1.3.0")), "binary")
	if strings.Contains(c.Fix, "--replace") || !strings.Contains(c.Fix, "Update this program") {
		t.Errorf("got %+v", c)
	}
}

func TestText(t *testing.T) {
	r := doctor.Result{Title: "Gemini CLI", Name: "raff", File: "settings.json", Scope: "user",
		Checks:     []doctor.Check{{Name: "start", Text: "it exited.", Fix: "Fix it.", Details: []string{"line"}}, {Name: "files", OK: true, Text: "private"}},
		NotChecked: []string{"key", "tools"}}
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	want := `
Gemini CLI: raff in settings.json (user)
  ✗ start: it exited. Fix it.
      | line
  ✓ files: private
  - not checked, because of the above: key, tools
`
	if b.String() != want {
		t.Errorf("got %s, want %s", &b, want)
	}
}

// programSource is a server that says only that it is raff-mcp.
const programSource = `package main

import "fmt"

func main() {
	var line string
	fmt.Scanln(&line)
	fmt.Println(` + "`" + `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","serverInfo":{"name":"raff-mcp","version":"` + version + `"}}}` + "`" + `)
}
`

// A program of the same version that was built from another commit is another program.
func TestOtherCommit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"main.go": programSource, "go.mod": "module fake\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{git, "init", "-q"}, {git, "add", "."},
		{git, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "commit", "-qm", "Begin"},
		{"go", "build", "-buildvcs=true", "-o", "raff-mcp.exe"},
	} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v %s", args, err, out)
		}
	}
	e := entry(t, "none")
	e.Launch.Command = filepath.Join(dir, "raff-mcp.exe")
	r := examine(t, doctor.Config{Executable: t.TempDir(), Revision: "0123456789abcdef0123456789abcdef01234567"}, e)
	if c := find(t, r, "binary"); c.OK || !strings.Contains(c.Text, "built from another commit") || !strings.Contains(c.Text, "from 0123456789ab") {
		t.Errorf("got %+v", r)
	}
}
