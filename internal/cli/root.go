package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

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
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{flagError(cmd.Flags(), err)} })

	flags := root.PersistentFlags()
	flags.SortFlags = false
	root.Flags().SortFlags = false
	config.AddFlags(flags, settings())
	flags.BoolVar(&p.json, "json", false, "print JSON; for activity, destinations, doctor, tools and whoami")
	flags.BoolVarP(&p.version, "version", "v", false, "print the version")
	flags.BoolVarP(&p.version, "V", "V", false, "the same as -v")
	flags.Lookup("V").Hidden = true

	addGroup(root, "Connect it", newLoginCommand(p), newLogoutCommand(p), newSetupCommand(p), newDoctorCommand(p), newWhoamiCommand(p))
	addGroup(root, "Use it from a shell", newToolsCommand(p), newCallCommand(p), newDestinationsCommand(p), newActivityCommand(p))
	root.AddCommand(newVersionCommand(p))
	p.addHelp(root)
	addCompletion(root)
	return root
}

// addGroup adds commands that help lists together, under a title.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title + ":"})
	for _, c := range commands {
		c.GroupID = title
		root.AddCommand(c)
	}
}

// jsonAnnotation marks the commands that accept the global flag --json.
const jsonAnnotation = "prints JSON"

func jsonCommands(root *cobra.Command) (names []string) {
	for _, c := range root.Commands() {
		if _, ok := c.Annotations[jsonAnnotation]; ok {
			names = append(names, c.Name())
		}
	}
	return names
}

// enumerate returns "a, b and c".
func enumerate(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// newCommand returns a command that handles the global flags --json, which is an error
// except with commands that have jsonAnnotation, and --version, which prints the version
// instead of running the command.
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
			if _, ok := cmd.Annotations[jsonAnnotation]; p.json && !ok {
				return usageError{message("--json: only for the commands " + enumerate(jsonCommands(cmd.Root())) + ". Without it, call prints JSON as well.")}
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

// addHelp adds a command for help, which also describes tools, and adds the sources of
// settings to the help of root.
func (p *program) addHelp(root *cobra.Command) {
	root.SetHelpCommand(&cobra.Command{
		Use:               "help [command] [tool]",
		Short:             "Help about any command or tool",
		ValidArgsFunction: completeHelp,
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			switch {
			case err != nil || len(rest) > 0 && !takesTool(cmd):
				return usageError{rejectUnknown(root, args)}
			case len(rest) > 0:
				return p.printTool(rest[0])
			}
			cmd.InitDefaultHelpFlag()
			return cmd.Help()
		},
	})
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if named := cmd.Flags().Args(); len(named) > 0 && takesTool(cmd) {
			p.helpErr = p.printTool(named[0])
			return
		}
		help(cmd, args)
		if cmd == root {
			printSources(cmd.OutOrStdout())
		}
	})
}

// takesTool reports whether the first argument of a command is the name of a tool.
func takesTool(cmd *cobra.Command) bool { return cmd.Name() == "call" || cmd.Name() == "tools" }

// printTool describes the tool with that name, whatever the configuration is.
func (p *program) printTool(name string) error {
	t, err := findTool(name)
	if err != nil {
		return err
	}
	return describe(p.stdout, t)
}

// printSources prints the environment variables and the files that contain settings.
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
	fmt.Fprintf(out, "\nFiles (flags and environment win over them, and the first over the second):\n"+
		"  ~/.raff/mcp.yaml: any setting by the name of its flag, as in read-only: true; and destinations\n"+
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
