package cli

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
	"github.com/rafftechnologies/raff-mcp/tools"
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
	keySource  string // where key comes from, for messages
	keyProblem error  // a *keyError if neither the key is usable nor sandbox set
	secrets    secrets
	readOnly   bool
	toolsets   []string
	confirm    tools.Confirm

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
	code    bool                                // what looks like a placeholder may be meant
}

var settings = []setting{
	{flag: "sandbox",
		meaning: "serve an invented account, held in memory: needs no key, sends nothing"},
	{env: "RAFF_API_KEY", fileKey: "api-key",
		meaning: "the API key; there is no flag for it, because others can read a process's arguments"},
	{env: "RAFF_API_KEY_FILE",
		meaning: "a file that holds the API key and nothing else; RAFF_API_KEY wins over it"},
	{flag: "api-url", env: "RAFF_API_URL", fileKey: "api-url", dflt: raffclient.DefaultBaseURL,
		meaning: "the API's address; http only locally", set: (*config).setAPIURL},
	{flag: "project-id", env: "RAFF_PROJECT_ID", fileKey: "project-id",
		meaning: "project to name where the API asks for one", set: (*config).setProjectID},
	{flag: "secrets", env: "RAFF_MCP_SECRETS", dflt: "inline",
		meaning: "where new secrets go: inline (the result), file, keyring, command", set: (*config).setSecrets},
	{flag: "secrets-dir", env: "RAFF_MCP_SECRETS_DIR", dflt: "~/.raff/secrets",
		meaning: "for file: a directory of yours alone, one file for each key", set: (*config).setSecretsDir},
	{flag: "secrets-format", env: "RAFF_MCP_SECRETS_FORMAT", dflt: "raw",
		meaning: "for file: raw (the secret alone) or env (RAFF_API_KEY=…)", set: (*config).setSecretsFormat},
	{flag: "secrets-command", env: "RAFF_MCP_SECRETS_COMMAND",
		meaning: "for command: what gets each secret on its standard input, split without a shell", set: (*config).setSecretsCommand, code: true},
	{flag: "read-only", env: "RAFF_MCP_READ_ONLY", dflt: "false",
		meaning: "offer only tools that read", set: (*config).setReadOnly},
	{flag: "toolsets", env: "RAFF_MCP_TOOLSETS", dflt: strings.Join(tools.Toolsets, ","),
		meaning: "which tools to offer", set: (*config).setToolsets},
	{flag: "confirm", env: "RAFF_MCP_CONFIRM", dflt: string(tools.ConfirmAuto),
		meaning: "ask the user before destroying: auto, always (else refuse), never", set: (*config).setConfirm},
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
	cfg := config{secrets: defaultSecrets, toolsets: tools.Toolsets, confirm: tools.ConfirmAuto, logLevel: slog.LevelInfo, logFormat: "text"}
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
		if isPlaceholder(value) && !s.code {
			return fmt.Errorf("%s: holds a placeholder that nothing has expanded", from)
		}
		if err := s.set(c, value); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
	}
	return c.secrets.complete(env.homeDir())
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
	switch err := raffclient.ValidateBaseURL(value); {
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

func (c *config) setReadOnly(value string) error {
	name, err := oneOf(value, "true", "false")
	c.readOnly = name == "true"
	return err
}

func (c *config) setConfirm(value string) error {
	name, err := oneOf(value, string(tools.ConfirmAuto), string(tools.ConfirmAlways), string(tools.ConfirmNever))
	c.confirm = tools.Confirm(name)
	return err
}

func (c *config) setToolsets(value string) error {
	c.toolsets = nil
	for name := range strings.SplitSeq(value, ",") {
		name, err := oneOf(strings.TrimSpace(name), tools.Toolsets...)
		if err != nil {
			return err
		}
		c.toolsets = append(c.toolsets, name)
	}
	return nil
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

// newFlags returns the flags, of the settings and of the commands.
func newFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("raff-mcp", pflag.ContinueOnError)
	flags.SortFlags = false
	for _, s := range settings {
		switch {
		case s.flag == "":
		case s.env == "", s.dflt == "false":
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
