package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// A commandLine is what the arguments of the program say.
type commandLine struct {
	name string   // "" (serve), "call", "tools" or "version"
	args []string // of the command
	json bool     // tools --json
	help bool     // print usage and end
}

// choices returns the values of settings that package tools defines.
func choices() config.Choices {
	return config.Choices{
		Toolsets: tools.Toolsets,
		Confirm:  []string{string(tools.ConfirmAuto), string(tools.ConfirmAlways), string(tools.ConfirmNever)},
	}
}

func settings() []config.Setting { return config.Settings(choices()) }

// parse reads the command line and, unless the command needs none, the
// configuration. An error is one line that never contains a key.
func parse(args []string, env config.Environment) (commandLine, config.Config, error) {
	flags := newFlags()
	if err := flags.Parse(args); err != nil {
		return commandLine{}, config.Config{}, flagError(err)
	}
	var line commandLine
	if err := line.setCommand(flags); err != nil {
		return commandLine{}, config.Config{}, err
	}
	if line.help || line.name == "version" {
		return line, config.Config{}, nil
	}
	cfg, err := config.Load(flags, env, choices())
	return line, cfg, err
}

// newFlags returns the flags, of the settings and of the commands.
func newFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("raff-mcp", pflag.ContinueOnError)
	flags.SortFlags = false
	config.AddFlags(flags, settings())
	flags.Bool("json", false, "with tools: print them as JSON")
	flags.Bool("version", false, "the same as the command version")
	flags.BoolP("help", "h", false, "print this")
	return flags
}

// isSet reports whether a switch is on.
func isSet(flags *pflag.FlagSet, name string) bool {
	return flags.Lookup(name).Value.String() == "true"
}

// setCommand takes the command, its arguments and its flags.
func (c *commandLine) setCommand(flags *pflag.FlagSet) error {
	c.json, c.help = isSet(flags, "json"), isSet(flags, "help")
	if args := flags.Args(); len(args) > 0 {
		c.name, c.args = args[0], args[1:]
	}
	if isSet(flags, "version") {
		c.name, c.args = "version", nil
	}
	if c.help {
		return nil
	}
	return c.checkCommand()
}

// checkCommand does not say what was given instead of a command: it may be a
// key that lost its flag.
func (c *commandLine) checkCommand() error {
	switch {
	case c.name == "call" && (len(c.args) < 1 || len(c.args) > 2):
		return errors.New("call: want the name of a tool and, if it takes any, its arguments as JSON, or - to read them from stdin")
	case (c.name == "tools" || c.name == "version") && len(c.args) > 0:
		return fmt.Errorf("%s: takes no arguments", c.name)
	case !slices.Contains([]string{"", "call", "tools", "version"}, c.name) || c.name == "" && len(c.args) > 0:
		return errors.New("unknown command; -h lists the commands")
	case c.json && c.name != "tools":
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
	for _, s := range settings() {
		switch {
		case s.Env == "":
		case s.Flag == "":
			fmt.Fprintf(w, "  %s\t%s\n", s.Env, s.Usage)
		default:
			fmt.Fprintf(w, "  %s\tas --%s\n", s.Env, s.Flag)
		}
	}
	_ = w.Flush() // a strings.Builder takes everything
	b.WriteString("\nFile (flags and environment win over it):\n" +
		"  ~/.raff/config.yaml, as written by `raff configure`: " + fileKeys() + " of the current profile\n")
	return b.String()
}

func fileKeys() string {
	var keys []string
	for _, s := range settings() {
		if s.ProfileKey != "" {
			keys = append(keys, s.ProfileKey)
		}
	}
	return strings.Join(keys, ", ")
}
