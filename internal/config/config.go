// Package config loads the configuration of the program: settings from flags,
// environment variables, ~/.raff/mcp.yaml and the current profile of the vendor's command
// line, and the server's own API key.
//
// [Settings] returns the settings. [AddFlags] defines their flags, and [Load] reads all
// sources after the flags have been parsed.
package config

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// A Config is the configuration of the program.
type Config struct {
	// Sandbox serves a simulated account. Key, APIURL and ProjectID may then be unset.
	Sandbox bool
	// APIURL is the API's address without a trailing slash, or "" for the default.
	APIURL string
	// ProjectID is sent if the API requires a project. It is "" if none is set.
	ProjectID string

	// Key is the server's own key. It is zero if KeyProblem is not nil, and in the
	// sandbox.
	Key raffclient.Secret
	// KeySource is where Key comes from, for messages.
	KeySource string
	// KeyProblem describes a problem with the key and its remedy, on one line.
	KeyProblem error

	// Secrets configures where new secrets go. Default: inline.
	Secrets Secrets
	// Destinations are places for new secrets that a call can choose.
	Destinations []Destination
	// ReadOnly offers only tools that read.
	ReadOnly bool
	// Toolsets are the toolsets to offer. Default: all of Choices.Toolsets.
	Toolsets []string
	// Confirm is one of Choices.Confirm. Default: the first.
	Confirm string

	// Sources says where a setting was found, by the name of its flag, for messages.
	// Settings that have their default are not in it.
	Sources map[string]string

	// LogLevel is the minimum level of the log. Default: info.
	LogLevel slog.Level
	// LogFormat is "text", the default, or "json".
	LogFormat string
	// LogColor reports whether the log goes to a terminal that shows color.
	LogColor bool

	// Warnings should be logged at start. None of them contains a key.
	Warnings []string
}

// Choices are the values of settings that other packages define.
type Choices struct {
	Toolsets []string // the names of all toolsets
	Confirm  []string // the values of --confirm, the default first
	// CheckCommand returns an error if a command cannot be split into words. If it is nil,
	// commands are not checked.
	CheckCommand func(command string) error
}

// An Environment is the part of the configuration that the process inherits.
type Environment struct {
	Getenv           func(name string) string // see os.Getenv
	Home             func() (string, error)   // see os.UserHomeDir
	StderrIsTerminal bool
	StdinIsTerminal  bool
	// Environ returns all variables; see os.Environ. If it is nil, unknown variables are
	// not noticed.
	Environ func() []string
	// Keychain may contain the key that raff-mcp login stored. If it is nil, there is none.
	Keychain *keychain.Keychain
}

// ProcessEnvironment returns the environment of this process.
func ProcessEnvironment() Environment {
	return Environment{
		Getenv:           os.Getenv,
		Home:             os.UserHomeDir,
		StderrIsTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		StdinIsTerminal:  term.IsTerminal(int(os.Stdin.Fd())),
		Environ:          os.Environ,
		Keychain:         keychain.New(),
	}
}

// variable returns an environment variable. An empty one counts as unset, because MCP
// clients set variables for which they have no value to "".
func (e Environment) variable(name string) string {
	if name == "" {
		return ""
	}
	return strings.TrimSpace(e.Getenv(name))
}

// homeDir returns the home directory, or "" if there is none. A relative path does not
// count, because it would depend on the working directory.
func (e Environment) homeDir() string {
	dir, err := e.Home()
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// Load reads the configuration. In order of precedence, its sources are flags, which
// [AddFlags] must have defined and which must have been parsed; env; ~/.raff/mcp.yaml; and
// the current profile.
//
// The error is one line and never contains a key. For a problem with the key itself,
// Load sets Config.KeyProblem and returns no error.
func Load(flags *pflag.FlagSet, env Environment, choices Choices) (Config, error) {
	c := Config{
		Secrets:   defaultSecrets,
		Toolsets:  choices.Toolsets,
		Confirm:   choices.Confirm[0],
		LogLevel:  slog.LevelInfo,
		LogFormat: "text",
	}
	settings := Settings(choices)
	if err := checkVariables(env, settings); err != nil {
		return Config{}, err
	}
	file, err := readSettingsFile(env.homeDir(), settings, choices)
	if err != nil {
		return Config{}, err
	}
	if err := findSetting(settings, "sandbox").load(&c, flags, env, file, profile{}); err != nil {
		return Config{}, err
	}
	var p profile
	if !c.Sandbox {
		if p, err = readProfile(env.homeDir()); err != nil {
			return Config{}, err
		}
		if p.shared {
			c.Warnings = append(c.Warnings, sharedWarning(p.path))
		}
		c.setKey(env, p)
		if p.problem != nil && c.KeyProblem == nil {
			c.Warnings = append(c.Warnings, p.problem.Error())
		}
	}
	for _, s := range settings {
		if err := s.load(&c, flags, env, file, p); err != nil {
			return Config{}, err
		}
	}
	c.Destinations = file.destinations
	if err := c.Secrets.complete(env.homeDir(), len(c.Destinations) > 0); err != nil {
		return Config{}, err
	}
	c.LogColor = env.StderrIsTerminal && c.LogFormat == "text" &&
		env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
	return c, nil
}

// findSetting returns the setting with that flag.
func findSetting(settings []Setting, flag string) Setting {
	return settings[slices.IndexFunc(settings, func(s Setting) bool { return s.Flag == flag })]
}

// load finds the value of s, checks it and sets it in c.
func (s Setting) load(c *Config, flags *pflag.FlagSet, env Environment, file settingsFile, p profile) error {
	value, source := s.find(flags, env, file, p)
	if s.set == nil || source == "" {
		return nil
	}
	if !s.allowPlaceholder {
		if err := checkPlaceholder(value); err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
	}
	if err := s.set(c, value); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if s.Flag != "" {
		if c.Sources == nil {
			c.Sources = map[string]string{}
		}
		c.Sources[s.Flag] = source
	}
	return nil
}

// find returns the value of s and, for messages, where it was found. The source is
// "" if s is not set anywhere.
func (s Setting) find(flags *pflag.FlagSet, env Environment, file settingsFile, p profile) (value, source string) {
	if flags.Changed(s.Flag) {
		return strings.TrimSpace(flags.Lookup(s.Flag).Value.String()), "--" + s.Flag
	}
	if value := env.variable(s.Env); value != "" {
		return value, s.Env
	}
	if value, ok := file.values[s.Flag]; ok {
		return value, file.source(s.Flag)
	}
	if value := strings.TrimSpace(p.values[s.ProfileKey]); value != "" {
		return value, p.source(s.ProfileKey)
	}
	return "", ""
}
