package cli

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// newRootCommand returns the root command, which serves MCP, with its subcommands.
func newRootCommand(p *program) *cobra.Command {
	root := p.newCommand("raff-mcp", "Serve MCP on standard input and output", rejectUnknown, p.serve)
	root.Long = `raff-mcp lets an AI assistant administer a Raff Technologies account. It is an
MCP server: an MCP client starts it and speaks with it over stdin and stdout.
Without a command, it serves MCP.`
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{flagError(err)} })

	flags := root.PersistentFlags()
	flags.SortFlags = false
	root.Flags().SortFlags = false
	config.AddFlags(flags, settings())
	flags.BoolVar(&p.json, "json", false, "with tools: print them as JSON")
	flags.BoolVar(&p.version, "version", false, "the same as the command version")
	for _, s := range settings() {
		if s.Flag != "" && s.Values != nil {
			// The only error is a flag that does not exist.
			_ = root.RegisterFlagCompletionFunc(s.Flag, cobra.FixedCompletions(s.Values, cobra.ShellCompDirectiveNoFileComp))
		}
	}

	root.AddCommand(newCallCommand(p), newToolsCommand(p), newVersionCommand(p))
	addHelp(root)
	addCompletion(root)
	return root
}

// newCommand returns a command that handles the global flags --json, which is an error
// except with tools, and --version, which prints the version instead of running the command.
func (p *program) newCommand(use, short string, args cobra.PositionalArgs, run func(*cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(cmd *cobra.Command, list []string) error {
			if p.version {
				return nil
			}
			if err := args(cmd, list); err != nil {
				return usageError{err}
			}
			if p.json && cmd.Name() != "tools" {
				return usageError{errors.New("--json: only for the command tools")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, list []string) error {
			if p.version {
				return p.printVersion(cmd, nil)
			}
			return run(cmd, list)
		},
	}
}

// rejectUnknown rejects arguments where a command is expected. It does not repeat them,
// since one may be a key whose flag is missing.
func rejectUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if similar := cmd.Root().SuggestionsFor(args[0]); args[0] != "" && len(similar) > 0 {
		return fmt.Errorf("unknown command; did you mean %s? -h lists the commands", strings.Join(similar, " or "))
	}
	return errors.New("unknown command; -h lists the commands")
}

// rejectArguments rejects all arguments, without repeating them.
func rejectArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s: takes no arguments", cmd.Name())
	}
	return nil
}

// addCompletion adds cobra's command for shell completion, without its errors, which
// repeat arguments.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.RunE = func(*cobra.Command, []string) error {
			return usageError{errors.New("completion: want the name of a shell; completion -h lists them")}
		}
		cmd.Args = cobra.ArbitraryArgs
		for _, shell := range cmd.Commands() {
			shell.Args = func(cmd *cobra.Command, args []string) error {
				if err := rejectArguments(cmd, args); err != nil {
					return usageError{err}
				}
				return nil
			}
		}
	}
}

// addHelp adds the command help, and adds the sources of settings to the help of root.
func addHelp(root *cobra.Command) {
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [command]",
		Short: "Help about any command",
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return usageError{rejectUnknown(root, args)}
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	})
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		help(cmd, args)
		if cmd == root {
			printSources(cmd.OutOrStdout())
		}
	})
}

// printSources prints the environment variables and the file that contain settings.
func printSources(out io.Writer) {
	fmt.Fprint(out, "\nEnvironment (a flag wins over it):\n")
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	var keys []string
	for _, s := range settings() {
		switch {
		case s.Env == "":
		case s.Flag == "":
			fmt.Fprintf(w, "  %s\t%s\n", s.Env, s.Usage)
		default:
			fmt.Fprintf(w, "  %s\tas --%s\n", s.Env, s.Flag)
		}
		if s.ProfileKey != "" {
			keys = append(keys, s.ProfileKey)
		}
	}
	_ = w.Flush() // errWriter keeps the error
	fmt.Fprintf(out, "\nFile (flags and environment win over it):\n"+
		"  ~/.raff/config.yaml, as written by `raff configure`: %s of the current profile\n", strings.Join(keys, ", "))
}

// choices returns the values of settings that package tools defines.
func choices() config.Choices {
	return config.Choices{
		Toolsets: tools.Toolsets,
		Confirm:  []string{string(tools.ConfirmAuto), string(tools.ConfirmAlways), string(tools.ConfirmNever)},
	}
}

func settings() []config.Setting { return config.Settings(choices()) }

var flagName = regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)

// flagError replaces an error of pflag, because its text may contain a key.
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
