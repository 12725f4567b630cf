package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A launchLine is how a host starts a server.
type launchLine struct {
	Command string
	Args    []string
	Env     map[string]string
}

// launch starts the server twice: as the package says, without a key, when a call must
// fail and everything else work; and with --sandbox added, when the call must work too.
func launch(ctx context.Context, l launchLine, version string) error {
	home, err := os.MkdirTemp("", "raff-mcp-launch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	for _, sandbox := range []bool{false, true} {
		cmd := exec.CommandContext(ctx, l.Command, l.Args...)
		// Should there be a key after all, nothing may reach Raff.
		cmd.Env = append(cleanEnvironment(), "HOME="+home, "USERPROFILE="+home, "RAFF_API_URL=http://127.0.0.1:9")
		for name, value := range l.Env {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		if sandbox {
			cmd.Args = append(cmd.Args, "--sandbox")
		}
		s, err := speak(cmd)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", cmd, err)
		case s.Name != "raff-mcp" || s.Version != version:
			return fmt.Errorf("%s: is %s %s, want raff-mcp %s", cmd, s.Name, s.Version, version)
		case s.CallFailed == sandbox:
			return fmt.Errorf("%s: a call without a key: failed is %v", cmd, s.CallFailed)
		}
	}
	return nil
}

// cleanEnvironment returns the environment without settings of the server.
func cleanEnvironment() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "RAFF_") {
			env = append(env, v)
		}
	}
	return env
}

// readLaunchLine returns the launch line of a package of that kind.
func readLaunchLine(kind string, args []string) (launchLine, error) {
	switch {
	case kind == "gemini" && len(args) == 1:
		return geminiLine(args[0])
	case kind == "claude" && len(args) == 1:
		return claudeLine(args[0])
	case kind == "line" && len(args) == 0:
		var l launchLine
		if err := json.NewDecoder(os.Stdin).Decode(&l); err != nil {
			return l, fmt.Errorf("standard input: %w", err)
		}
		return l.expand(nil)
	case kind == "command" && len(args) > 0:
		return launchLine{Command: args[0], Args: args[1:]}, nil
	}
	return launchLine{}, fmt.Errorf("wrong arguments\n%s", usage)
}

// geminiLine returns the launch line of an extension of the Gemini CLI in dir.
func geminiLine(dir string) (launchLine, error) {
	var extension struct{ MCPServers map[string]launchLine }
	if err := readJSON(filepath.Join(dir, "gemini-extension.json"), &extension); err != nil {
		return launchLine{}, err
	}
	return onlyLine(extension.MCPServers, map[string]string{"extensionPath": dir, "/": string(filepath.Separator)})
}

// claudeLine returns the launch line of a plugin of Claude Code in dir, with the defaults
// of its settings.
func claudeLine(dir string) (launchLine, error) {
	var plugin struct {
		MCPServers map[string]launchLine
		UserConfig map[string]struct{ Default any }
	}
	if err := readJSON(filepath.Join(dir, ".claude-plugin", "plugin.json"), &plugin); err != nil {
		return launchLine{}, err
	}
	values := map[string]string{"CLAUDE_PLUGIN_ROOT": dir}
	for name, option := range plugin.UserConfig {
		if option.Default != nil {
			values["user_config."+name] = fmt.Sprint(option.Default)
		}
	}
	return onlyLine(plugin.MCPServers, values)
}

// onlyLine returns the only one of lines, with its variables expanded.
func onlyLine(lines map[string]launchLine, values map[string]string) (launchLine, error) {
	if len(lines) != 1 {
		return launchLine{}, fmt.Errorf("got %d servers, want 1", len(lines))
	}
	var only launchLine
	for _, only = range lines {
	}
	return only.expand(values)
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// expand returns l with the values of variables. A variable without a value is an error,
// because hosts would pass it on as it is.
func (l launchLine) expand(values map[string]string) (launchLine, error) {
	var errs []error
	replace := func(text string) string {
		return variable.ReplaceAllStringFunc(text, func(v string) string {
			value, ok := values[v[2:len(v)-1]]
			if !ok {
				errs = append(errs, fmt.Errorf("%s has no value", v))
			}
			return value
		})
	}
	expanded := launchLine{Command: replace(l.Command), Env: map[string]string{}}
	for _, a := range l.Args {
		expanded.Args = append(expanded.Args, replace(a))
	}
	for name, value := range l.Env {
		expanded.Env[name] = replace(value)
	}
	return expanded, errors.Join(errs...)
}
