package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// config is everything the program was told: by flags, then by environment
// variables, then by the current profile.
type config struct {
	command string   // "" (serve), "call", "tools" or "version"
	args    []string // of the command
	json    bool     // tools --json
	help    bool     // print usage and end

	sandbox    bool
	apiURL     string // without a slash at its end, "" for the default
	projectID  string // "" for none
	key        raffclient.Secret
	keyProblem error  // a *keyError if neither the key is usable nor sandbox set
	secrets    string // "inline"

	logLevel  slog.Level
	logFormat string   // "text" or "json"
	logColor  bool     // standard error is a terminal that takes it
	warnings  []string // to be logged at start
}

// environment is what the process finds around it.
type environment struct {
	getenv           func(string) string
	home             func() (string, error)
	stderrIsTerminal bool
}

func processEnvironment() environment {
	return environment{
		getenv:           os.Getenv,
		home:             os.UserHomeDir,
		stderrIsTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
}

// variable returns an environment variable. One that is empty counts as not
// set: so do clients pass what they have no value for.
func (e environment) variable(name string) string {
	if name == "" {
		return ""
	}
	return strings.TrimSpace(e.getenv(name))
}

// homeDir returns the home directory, or "" if there is none. A relative one
// would be a directory below whatever the working directory is.
func (e environment) homeDir() string {
	dir, err := e.home()
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// setting is one thing that can be configured, and where. A name is "" if it
// cannot be configured there.
type setting struct {
	flag    string // a switch, if no other name is given
	env     string
	fileKey string // in a profile
	dflt    string
	meaning string
	set     func(c *config, value string) error // nil if read otherwise
}

var settings = []setting{
	{flag: "sandbox",
		meaning: "serve an invented account, held in memory: needs no key, sends nothing"},
	{env: "RAFF_API_KEY", fileKey: "api-key",
		meaning: "the API key; there is no flag for it, because others can read a process's arguments"},
	{env: "RAFF_API_KEY_FILE",
		meaning: "a file that holds the API key and nothing else; RAFF_API_KEY wins over it"},
	{flag: "api-url", env: "RAFF_API_URL", fileKey: "api-url", dflt: raffclient.DefaultBaseURL,
		meaning: "the API's address; http only on this machine", set: (*config).setAPIURL},
	{flag: "project-id", env: "RAFF_PROJECT_ID", fileKey: "project-id",
		meaning: "project to name where the API asks for one", set: (*config).setProjectID},
	{flag: "secrets", env: "RAFF_MCP_SECRETS", dflt: "inline",
		meaning: "where a new secret goes: inline (into the tool's result)", set: (*config).setSecrets},
	{flag: "log-level", env: "RAFF_MCP_LOG_LEVEL", dflt: "info",
		meaning: "least level to log: debug, info, warn or error", set: (*config).setLogLevel},
	{flag: "log-format", env: "RAFF_MCP_LOG_FORMAT", dflt: "text",
		meaning: "format of the log on standard error: text or json", set: (*config).setLogFormat},
	{env: "NO_COLOR",
		meaning: "set to anything: no colour in the log"},
}

// parse reads the configuration. An error is one line, without anything that
// might be a key; what is wrong with the key itself is config.keyProblem.
func parse(args []string, env environment) (config, error) {
	flags := newFlags()
	if err := flags.Parse(args); err != nil {
		return config{}, flagError(err)
	}
	cfg := config{secrets: "inline", logLevel: slog.LevelInfo, logFormat: "text"}
	if err := cfg.setCommand(flags); err != nil {
		return config{}, err
	}
	if cfg.help || cfg.command == "version" {
		return cfg, nil
	}
	if err := cfg.setAll(flags, env); err != nil {
		return config{}, err
	}
	cfg.logColor = env.stderrIsTerminal && cfg.logFormat == "text" &&
		env.getenv("NO_COLOR") == "" && env.getenv("TERM") != "dumb"
	return cfg, nil
}

func (c *config) setAll(flags *pflag.FlagSet, env environment) error {
	var p profile
	if !c.sandbox {
		var err error
		if p, err = readProfile(env.homeDir()); err != nil {
			return err
		}
		if p.shared {
			c.warnings = append(c.warnings, sharedWarning(p.path))
		}
		c.setKey(env, p)
	}
	for _, s := range settings {
		value, from := s.find(flags, env, p)
		if s.set == nil || from == "" {
			continue
		}
		if isPlaceholder(value) {
			return fmt.Errorf("%s: holds a placeholder that nothing has expanded", from)
		}
		if err := s.set(c, value); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	return nil
}

// find returns the setting's value and, for messages, where it was found: ""
// if nowhere.
func (s setting) find(flags *pflag.FlagSet, env environment, p profile) (value, from string) {
	if flags.Changed(s.flag) {
		return strings.TrimSpace(flags.Lookup(s.flag).Value.String()), "--" + s.flag
	}
	if value := env.variable(s.env); value != "" {
		return value, s.env
	}
	if value := strings.TrimSpace(p.values[s.fileKey]); value != "" {
		return value, p.source(s.fileKey)
	}
	return "", ""
}

func (c *config) setAPIURL(value string) error {
	value = strings.TrimRight(value, "/")
	switch err := raffclient.ParseBaseURL(value); {
	case err != nil:
		return err
	case strings.ContainsAny(value, "?#"): // also where nothing follows
		return errors.New("the API's address must have no query and no fragment")
	case strings.HasSuffix(value, "/api/v1"):
		return errors.New("leave out /api/v1, the program adds it")
	}
	c.apiURL = value
	return nil
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (c *config) setProjectID(value string) error {
	if !uuid.MatchString(value) {
		return errors.New("not a UUID")
	}
	c.projectID = value
	return nil
}

func (c *config) setSecrets(value string) (err error) {
	c.secrets, err = oneOf(value, "inline")
	return err
}

func (c *config) setLogFormat(value string) (err error) {
	c.logFormat, err = oneOf(value, "text", "json")
	return err
}

func (c *config) setLogLevel(value string) error {
	name, err := oneOf(value, "debug", "info", "warn", "error")
	if err != nil {
		return err
	}
	return c.logLevel.UnmarshalText([]byte(name))
}

func oneOf(value string, values ...string) (string, error) {
	value = strings.ToLower(value)
	if !slices.Contains(values, value) {
		return "", fmt.Errorf("must be one of: %s", strings.Join(values, ", "))
	}
	return value, nil
}

const maxKeyFile = 64 << 10 // bytes

// keyError says, in a sentence each, what is wrong with the key and what to do.
type keyError struct{ what, remedy string }

func (e *keyError) Error() string { return e.what + " " + e.remedy }

// setKey takes the key from the first place that has one, good or bad: to go on
// to the next would be to use another account than the one that was meant.
func (c *config) setKey(env environment, p profile) {
	key, path := env.variable("RAFF_API_KEY"), env.variable("RAFF_API_KEY_FILE")
	switch {
	case key != "":
		if path != "" {
			c.warnings = append(c.warnings, "RAFF_API_KEY_FILE is ignored, since RAFF_API_KEY is set")
		}
		c.useKey(key, "RAFF_API_KEY",
			"The MCP client passed it on unexpanded: set the variable where the client runs, "+
				"or write the key into the client's env block for this server.")
	case path != "":
		c.useKeyFile(path, env)
	case strings.TrimSpace(p.values["api-key"]) != "":
		c.useKey(p.values["api-key"], p.source("api-key"), "Put the key itself there, or set RAFF_API_KEY.")
	default:
		c.keyProblem = &keyError{"No Raff API key is configured.",
			"Set RAFF_API_KEY to a key from the Raff dashboard (API Keys), in the MCP client's env block for this server, " +
				"or set RAFF_API_KEY_FILE, or run `raff configure`; or try without an account, with --sandbox."}
	}
}

// useKey takes the key that was found in from if it can be one, and a header's
// value. The documents disagree about all but its first characters, so no more
// is asked. expand is the remedy for a placeholder.
func (c *config) useKey(key, from, expand string) {
	key = strings.TrimSpace(key)
	switch {
	case isMasked(key):
		c.keyProblem = &keyError{from + " holds a masked key, cut short for display.",
			"Put the whole key there; if nobody has it any more, regenerate it in the Raff dashboard (API Keys)."}
	case isPlaceholder(key):
		c.keyProblem = &keyError{from + " holds a placeholder in place of the key.", expand}
	case !strings.HasPrefix(key, "raff_") || key == "raff_" || strings.ContainsFunc(key, notVisibleASCII):
		c.keyProblem = &keyError{from + " does not hold a Raff API key, which must start with raff_ and be visible ASCII throughout.",
			"Copy the whole key from where it was kept, without quotes, or make one in the Raff dashboard (API Keys)."}
	default:
		c.key = raffclient.NewSecret(key)
	}
}

func notVisibleASCII(r rune) bool { return r <= ' ' || r > '~' }

func (c *config) useKeyFile(path string, env environment) {
	if isPlaceholder(path) {
		c.keyProblem = &keyError{"RAFF_API_KEY_FILE holds a placeholder in place of a path.",
			"The MCP client passed it on unexpanded: write the path itself into the client's env block for this server."}
		return
	}
	path, text, shared, err := readKeyFile(path, env.homeDir())
	if err != nil {
		c.keyProblem = keyFileError(path, err)
		return
	}
	if shared {
		c.warnings = append(c.warnings, sharedWarning(path))
	}
	c.useKey(text, visible(path)+" (RAFF_API_KEY_FILE)", "Write the key itself into the file.")
}

// readKeyFile returns, besides the text, the path with ~ replaced.
func readKeyFile(path, home string) (full, text string, shared bool, err error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home == "" {
			return path, "", false, fmt.Errorf("%s: there is no home directory", visible(path))
		}
		path = filepath.Join(home, rest)
	}
	raw, shared, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return path, "", false, err
	}
	text = strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	if text == "" {
		return path, "", false, fmt.Errorf("%s: empty", visible(path))
	}
	return path, text, shared, nil
}

// misplacedKey matches a path that is or has in it a key, in the wrong variable.
var misplacedKey = regexp.MustCompile(`(?s)^raff_|^[^/\\]*raff_[^/\\]*$|raff_[0-9a-f]{8}`)

func keyFileError(path string, err error) *keyError {
	if misplacedKey.MatchString(path) {
		return &keyError{"RAFF_API_KEY_FILE holds what looks like a key, where the path of a file belongs.",
			"Put a key into RAFF_API_KEY, and a file into RAFF_API_KEY_FILE with its directory."}
	}
	return &keyError{fmt.Sprintf("RAFF_API_KEY_FILE cannot be used: %v.", err),
		"Let it name a file that holds the key and nothing else and that this user may read, or set RAFF_API_KEY."}
}

// isMasked reports whether the key is one as it is displayed: raff_737e….
func isMasked(key string) bool {
	return strings.ContainsAny(key, "…•") || strings.Contains(key, "...") || strings.Contains(key, "***")
}

// placeholder matches what MCP clients and shells would have replaced
// (${NAME}, ${env:NAME}, ${input:name}, {env:NAME}, {{name}}, $(command), $NAME,
// %NAME%) and what documentation asks people to replace (<your key>, YOUR_KEY).
var placeholder = regexp.MustCompile(`(?is)\$[{(]|\{\{|^\{.*\}$|^\$\w|^%\w+%|^<.*>$|^your[-_ ]`)

func isPlaceholder(value string) bool { return placeholder.MatchString(value) }

// newFlags returns the flags, of the settings and of the commands.
func newFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("raff-mcp", pflag.ContinueOnError)
	flags.SortFlags = false
	for _, s := range settings {
		switch {
		case s.flag == "":
		case s.env == "":
			flags.Bool(s.flag, false, s.meaning)
		default:
			flags.String(s.flag, s.dflt, s.meaning)
		}
	}
	flags.Bool("json", false, "with tools: print them as JSON")
	flags.Bool("version", false, "the same as the command version")
	flags.BoolP("help", "h", false, "print this")
	return flags
}

// isSet reports whether a switch is on.
func isSet(flags *pflag.FlagSet, name string) bool {
	return flags.Lookup(name).Value.String() == "true"
}

// setCommand takes the command, its arguments and the switches.
func (c *config) setCommand(flags *pflag.FlagSet) error {
	c.sandbox, c.json, c.help = isSet(flags, "sandbox"), isSet(flags, "json"), isSet(flags, "help")
	if args := flags.Args(); len(args) > 0 {
		c.command, c.args = args[0], args[1:]
	}
	if isSet(flags, "version") {
		c.command, c.args = "version", nil
	}
	if c.help {
		return nil
	}
	return c.checkCommand()
}

// checkCommand does not say what was given instead of a command: it may be a
// key that lost its flag.
func (c *config) checkCommand() error {
	switch {
	case c.command == "call" && (len(c.args) < 1 || len(c.args) > 2):
		return errors.New("call: want the name of a tool and, if it takes any, its arguments as JSON, or - to read them from stdin")
	case (c.command == "tools" || c.command == "version") && len(c.args) > 0:
		return fmt.Errorf("%s: takes no arguments", c.command)
	case !slices.Contains([]string{"", "call", "tools", "version"}, c.command) || c.command == "" && len(c.args) > 0:
		return errors.New("unknown command; -h lists the commands")
	case c.json && c.command != "tools":
		return errors.New("--json: only for the command tools")
	default:
		return nil
	}
}

var flagName = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// flagError rewords an error of pflag, which may quote a key.
func flagError(err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlagError(e.GetSpecifiedName())
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return fmt.Errorf("--%s: needs a value", e.GetFlag().Name)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return fmt.Errorf("--%s: is on or off, and takes no other value than true or false", e.GetFlag().Name)
	}
	return errors.New("malformed flag; -h lists the flags")
}

func unknownFlagError(name string) error {
	lower := strings.ToLower(name)
	switch {
	case lower == "k" || strings.Contains(lower, "key") || strings.Contains(lower, "token"):
		return errors.New("there is no flag for the API key, because others can read a process's arguments; use RAFF_API_KEY")
	case flagName.MatchString(name):
		return fmt.Errorf("--%s: unknown flag; -h lists the flags", name)
	default:
		return errors.New("unknown flag; -h lists the flags")
	}
}

// usage returns what -h prints.
func usage() string {
	var b strings.Builder
	b.WriteString(`raff-mcp lets an AI assistant administer a Raff Technologies account. It is an
MCP server: an MCP client starts it and speaks with it over stdin and stdout.

Usage:
  raff-mcp [flags]                          serve MCP
  raff-mcp call TOOL [ARGUMENTS|-] [flags]  call one tool; ARGUMENTS are JSON, - reads them from stdin
  raff-mcp tools [--json]                   list the tools
  raff-mcp version                          print the version

Flags:
`)
	b.WriteString(newFlags().FlagUsages())
	b.WriteString("\nEnvironment (a flag wins over it):\n")
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	for _, s := range settings {
		switch {
		case s.env == "":
		case s.flag == "":
			fmt.Fprintf(w, "  %s\t%s\n", s.env, s.meaning)
		default:
			fmt.Fprintf(w, "  %s\tas --%s\n", s.env, s.flag)
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	b.WriteString("\nFile (flags and environment win over it):\n" +
		"  ~/.raff/config.yaml, as written by `raff configure`: " + fileKeys() + " of the current profile\n")
	return b.String()
}

func fileKeys() string {
	var keys []string
	for _, s := range settings {
		if s.fileKey != "" {
			keys = append(keys, s.fileKey)
		}
	}
	return strings.Join(keys, ", ")
}
