// Package config loads the configuration of the program: settings from flags,
// environment variables, ~/.raff/mcp.yaml and a profile of the vendor's command line, and
// the server's own API key.
//
// [Settings] returns the settings. [AddFlags] defines their flags, and [Load] reads all
// sources after the flags have been parsed, except for the key, which [Keys] reads when it is
// needed.
package config

import (
	"cmp"
	"errors"
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
	// Sandbox serves a simulated account. Keys is then nil, and APIURL and ProjectID may
	// be unset.
	Sandbox bool
	// APIURL is the API's address without a trailing slash, or "" for the default.
	APIURL string
	// ProjectID is sent if the API requires a project. It is "" if none is set.
	ProjectID string

	// Profile is the name of the profile that was selected, or "" for the current one.
	Profile string
	// Keys reads the server's own key.
	Keys *Keys

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

	// SharedDir is the directory through which servers share the rate limit of their key.
	// It is "" without a home directory.
	SharedDir string

	// ActivityLog is the path of the activity log, or "" if there is none.
	ActivityLog string

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
// the profile, which is the current one unless --profile selects another.
//
// The error is one line and never contains a key. Load does not read the key, so that it
// reads nothing but env and two files: see Config.Keys.
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
	file, err := readSettingsFile(env.homeDir(), settings)
	if err != nil {
		return Config{}, err
	}
	if err := findSetting(settings, "sandbox").load(&c, flags, env, file, profile{}); err != nil {
		return Config{}, err
	}
	p, err := c.selectProfile(settings, flags, env, file)
	if err != nil {
		return Config{}, err
	}
	for _, s := range settings {
		if err := s.load(&c, flags, env, file, p); err != nil {
			return Config{}, err
		}
	}
	if !c.Sandbox {
		c.setKeys(env, p)
	}
	if home := env.homeDir(); home != "" {
		c.SharedDir = filepath.Join(home, ".raff", "rate")
	}
	c.Destinations = file.destinations
	if err := c.Secrets.complete(env.homeDir(), len(c.Destinations) > 0); err != nil {
		return Config{}, err
	}
	if err := c.completeActivityLog(env.homeDir()); err != nil {
		return Config{}, err
	}
	c.LogColor = env.StderrIsTerminal && c.LogFormat == "text" &&
		env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb"
	return c, nil
}

// selectProfile returns the profile that the other settings are read from. In the sandbox
// there is none.
func (c *Config) selectProfile(settings []Setting, flags *pflag.FlagSet, env Environment, file settingsFile) (profile, error) {
	if err := findSetting(settings, "profile").load(c, flags, env, file, profile{}); err != nil || c.Sandbox {
		return profile{}, err
	}
	p, err := readProfile(env.homeDir(), c.Profile)
	if _, unknown := errors.AsType[*unknownProfileError](err); unknown {
		return profile{}, fmt.Errorf("%s: %w", c.Sources["profile"], err)
	}
	return p, err
}

// setKeys sets c.Keys after all other settings have been set.
func (c *Config) setKeys(env Environment, p profile) {
	c.Keys = &Keys{
		env:        env,
		api:        cmp.Or(c.APIURL, raffclient.DefaultBaseURL),
		profile:    p.atStart(),
		readStored: readStoredKey,
		timeout:    commandTimeout,
	}
	source, ok := c.Sources["api-url"]
	c.Keys.profile.apiUnused = ok && source != p.source("api-url")
	c.Warnings = append(c.Warnings, c.Keys.ignoredVariables()...)
	if misspelled := misspelledKeyVariable(env); misspelled != "" {
		c.Warnings = append(c.Warnings, misspelled)
	}
	if p.shared {
		c.Warnings = append(c.Warnings, sharedWarning(p.path))
	}
	// Without a variable, this is said when the key is read: see noKeyError and readLogin.
	if p.problem != nil && c.Keys.variableIsSet() {
		c.Warnings = append(c.Warnings, p.problem.Error())
	}
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
