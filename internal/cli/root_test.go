package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
)

// planted is a key that must not appear in any text.
const planted = "raff_5ec2e7c0ffee0123456789abcdef5ec2"

// fakeEnvironment returns an environment with vars and a home directory without a profile.
func fakeEnvironment(t *testing.T, vars map[string]string) config.Environment {
	home := t.TempDir()
	return config.Environment{
		Getenv: func(name string) string { return vars[name] },
		Home:   func() (string, error) { return home, nil },
	}
}

// writePrivate creates a file that only its owner can read, and its directories.
func writePrivate(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		args    string
		command string // "" for serve
		rest    []string
		sandbox bool
		json    bool
	}{
		{args: ""},
		{args: "--sandbox", sandbox: true},
		{args: "--sandbox=false"},
		{args: "call t", command: "call", rest: []string{"t"}},
		{args: "call t -", command: "call", rest: []string{"t", "-"}},
		{args: "call t {} --sandbox", command: "call", rest: []string{"t", "{}"}, sandbox: true},
		{args: "--sandbox call t {}", command: "call", rest: []string{"t", "{}"}, sandbox: true},
		{args: "call --sandbox t {}", command: "call", rest: []string{"t", "{}"}, sandbox: true},
		{args: "call --log-level debug t", command: "call", rest: []string{"t"}},
		{args: "call -- t --sandbox", command: "call", rest: []string{"t", "--sandbox"}},
		{args: "tools", command: "tools"},
		{args: "tools --json", command: "tools", json: true},
		{args: "--json tools", command: "tools", json: true},
		{args: "version", command: "version"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			p := &program{}
			cmd, err := parse(p, strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), "raff-mcp"))
			sandbox, err := cmd.Flags().GetBool("sandbox")
			if err != nil || name != tt.command || strings.Join(cmd.Flags().Args(), " ") != strings.Join(tt.rest, " ") ||
				sandbox != tt.sandbox || p.json != tt.json {
				t.Errorf("got %s %q, sandbox %v, JSON %v, %v", name, cmd.Flags().Args(), sandbox, p.json, err)
			}
		})
	}
}

// parse finds the command of these arguments and parses its flags, as cobra does before
// it runs the command.
func parse(p *program, args []string) (*cobra.Command, error) {
	cmd, args, err := newRootCommand(p).Find(args)
	if err != nil {
		return nil, err
	}
	if err := cmd.ParseFlags(args); err != nil {
		return nil, err
	}
	return cmd, cmd.ValidateArgs(cmd.Flags().Args())
}

// runProgram runs the program in this process, with nothing on standard input.
func runProgram(env config.Environment, args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = run(context.Background(), nil, args, env, strings.NewReader(""), &out, &log)
	return code, out.String(), log.String()
}

func TestVersion(t *testing.T) {
	for _, args := range []string{"--version", "version -v", "-v", "-V", "tools -v", "--version tools", "--version --json", "--version nonsense"} {
		code, stdout, stderr := runProgram(fakeEnvironment(t, nil), strings.Fields(args)...)
		if code != exitOK || stdout != "raff-mcp "+version+"\n" || stderr != "" {
			t.Errorf("%s: got exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestHelp(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-h", "Additional Commands:"},
		{"--help", "Additional Commands:"},
		{"help", "Additional Commands:"},
		{"nonsense -h", "Additional Commands:"},
		{"--json -h", "Additional Commands:"},
		{"--log-level loud -h", "Additional Commands:"},
		{"call -h", "raff-mcp call TOOL [ARGUMENTS|-] [flags]"},
		{"help call", "raff-mcp call TOOL [ARGUMENTS|-] [flags]"},
		{"help tools", "raff-mcp tools [TOOL] [flags]"},
		{"help call get_role", "get_role: Get role (reads)"},
		{"call get_role -h", "get_role: Get role (reads)"},
		{"--read-only call delete_role {} --help", "delete_role: Delete role (deletes)"},
		{"tools get_role --help", "get_role: Get role (reads)"},
		{"completion -h", "powershell"},
	} {
		code, stdout, stderr := runProgram(fakeEnvironment(t, nil), strings.Fields(tt.args)...)
		if code != exitOK || !strings.Contains(stdout, tt.want) || stderr != "" {
			t.Errorf("%s: got exit code %d, %q, %q", tt.args, code, stdout, stderr)
		}
	}
}

// Help and version work even if the configuration is invalid.
func TestHelpAndVersionReadNothing(t *testing.T) {
	env := fakeEnvironment(t, map[string]string{"RAFF_API_URL": "nonsense", "RAFF_MCP_LOG_LEVEL": "loud"})
	home, _ := env.Home()
	writePrivate(t, filepath.Join(home, ".raff", "config.yaml"), "[")
	for _, arg := range []string{"-h", "version", "--version"} {
		if code, _, stderr := runProgram(env, arg); code != exitOK {
			t.Errorf("%s: %s", arg, stderr)
		}
	}
	if code, _, _ := runProgram(env); code != exitUsage {
		t.Errorf("without help: got exit code %d", code)
	}
}

func TestUsageErrors(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string // part of the error
	}{
		{args: []string{"serve"}, want: `unknown command "serve". Run raff-mcp -h for a list.`},
		{args: []string{planted}, want: "unknown command. Run raff-mcp -h for a list."},
		{args: []string{"RAFF_API_KEY=" + planted}, want: "unknown command"},
		{args: []string{"", planted}, want: "unknown command"},
		{args: []string{"tolls"}, want: `unknown command "tolls". Did you mean tools?`},
		{args: []string{"help", planted}, want: "unknown command"},
		{args: []string{"help", "call", planted}, want: "unknown tool. Run raff-mcp tools for a list."},
		{args: []string{"help", "tools", "get_key"}, want: `unknown tool "get_key". Did you mean get_api_key?`},
		{args: []string{"help", "version", planted}, want: "unknown command"},
		{args: []string{"completion", planted}, want: "completion: unknown shell. Run"},
		{args: []string{"completion", "bahs"}, want: `completion: unknown shell "bahs". Did you mean bash?`},
		{args: []string{"completion"}, want: "completion: want the name of a shell"},
		{args: []string{"completion", "bash", planted}, want: "bash: takes no arguments"},
		{args: []string{"call"}, want: "call: want the name of a tool"},
		{args: []string{"call", "t", "{}", planted}, want: "call: want the name of a tool"},
		{args: []string{"tools", planted}, want: "unknown tool. Run raff-mcp tools for a list."},
		{args: []string{"tools", "t", planted}, want: "tools: want the name of one tool"},
		{args: []string{"tools", "roles"}, want: `unknown tool "roles". Run`},
		{args: []string{"call", planted}, want: "unknown tool. Run"},
		{args: []string{"call", "creat_api_key", planted}, want: `unknown tool "creat_api_key". Did you mean create_api_key?`},
		{args: []string{"call", "createApiKey", "-h"}, want: `unknown tool "createApiKey". Did you mean create_api_key?`},
		{args: []string{"call", planted, "-h"}, want: "unknown tool. Run"},
		{args: []string{"--read-only", "tools", "revoke_api_key"}, want: "the tool revoke_api_key is hidden by --read-only, because it deletes. Unset that"},
		{args: []string{"--read-only", "call", "revoke_api_key"}, want: "is hidden by --read-only"},
		{args: []string{"--toolsets=roles,members", "call", "list_projects"}, want: "the tool list_projects is hidden, because --toolsets does not contain projects. Add it there"},
		{args: []string{"version", planted}, want: "version: takes no arguments"},
		{args: []string{"--json"}, want: "--json: only for the commands activity, destinations, doctor, tools and whoami"},
		{args: []string{"call", "t", "--json"}, want: "--json: only for the commands activity, destinations, doctor, tools and whoami"},
		{args: []string{"activity", planted}, want: "activity: takes no arguments"},
		{args: []string{"activity"}, want: "activity: no activity log is configured. Set --activity-log"},
		{args: []string{"activity", "--since", planted}, want: "--since: must be a duration"},

		{args: []string{"--sandox"}, want: "--sandox: unknown flag. Did you mean --sandbox?"},
		{args: []string{"--" + planted}, want: "unknown flag"},
		{args: []string{"--" + planted + "=x"}, want: "unknown flag"},
		{args: []string{"--flag=" + planted}, want: "--flag: unknown flag. Run raff-mcp -h for a list."},
		{args: []string{"--readonly"}, want: "--readonly: unknown flag. Did you mean --read-only?"},
		{args: []string{"call", "t", "--secretsdir=" + planted}, want: "Did you mean --secrets-dir?"},
		{args: []string{"-" + planted}, want: "unknown flag"},
		{args: []string{"--=" + planted}, want: "malformed flag"},
		{args: []string{"---" + planted}, want: "malformed flag"},
		{args: []string{"--sandbox=" + planted}, want: "--sandbox: must be true or false. Without"},
		{args: []string{"--api-url"}, want: "--api-url: needs a value"},

		{args: []string{"--api-key", planted}, want: "Use RAFF_API_KEY"},
		{args: []string{"--api-key=" + planted}, want: "Use RAFF_API_KEY"},
		{args: []string{"--key", planted}, want: "Use RAFF_API_KEY"},
		{args: []string{"--api_key=" + planted}, want: "Use RAFF_API_KEY"},
		{args: []string{"--RAFF_API_KEY", planted}, want: "Use RAFF_API_KEY"},
		{args: []string{"--token", planted}, want: "Use RAFF_API_KEY"},
		{args: []string{"-k" + planted}, want: "Use RAFF_API_KEY"},
	} {
		t.Run(fmt.Sprint(tt.args), func(t *testing.T) {
			code, stdout, stderr := runProgram(fakeEnvironment(t, nil), tt.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, tt.want) {
				t.Fatalf("got exit code %d, %q, %q, want %q", code, stdout, stderr, tt.want)
			}
			if strings.Contains(stderr, planted) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got %q: a key, or not one line", stderr)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	_, got, _ := runProgram(fakeEnvironment(t, nil), "-h")
	for _, s := range settings() {
		for _, name := range []string{s.Env, s.ProfileKey, s.Default, s.Usage} {
			if !strings.Contains(got, name) {
				t.Errorf("does not say %q", name)
			}
		}
		if s.Flag != "" && !strings.Contains(got, "--"+s.Flag) {
			t.Errorf("does not say --%s", s.Flag)
		}
	}
	for _, line := range strings.Split(got, "\n") {
		if len(line) > 120 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}
