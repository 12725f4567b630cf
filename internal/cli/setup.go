package cli

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/internal/suggest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// A setupOptions are the flags of the command setup.
type setupOptions struct {
	print, dryRun, remove, replace bool
	scope, name                    string
}

func newSetupCommand(p *program) *cobra.Command {
	var o setupOptions
	cmd := p.newCommand("setup [CLIENT...] [flags] [-- SERVER-FLAGS]", "Connect MCP clients", checkSetupArgs,
		func(cmd *cobra.Command, args []string) error { return p.setup(cmd, args, o) })
	cmd.Long = `Connect MCP clients: write an entry that starts this program into the configuration
file of each. Everything else in the file stays as it is, and a backup is kept next to
it. No key is written: store it with raff-mcp login. Without a name, the clients that are
installed are listed, and at a terminal you are asked which to connect.

Clients: ` + strings.Join(clients.Names(), ", ")
	cmd.Example = `  raff-mcp setup claude-code
  raff-mcp setup codex gemini --dry-run
  raff-mcp setup vscode --scope=project -- --read-only
  raff-mcp setup cursor --remove`
	cmd.DisableFlagsInUseLine = true
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&o.print, "print", false, "print the entry and the file where it belongs; change nothing")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the difference; change nothing")
	flags.BoolVar(&o.remove, "remove", false, "remove the entry")
	flags.BoolVar(&o.replace, "replace", false, "replace an existing entry that differs")
	flags.StringVar(&o.scope, "scope", "", "user (everywhere, the default) or project (in this directory)")
	flags.StringVar(&o.name, "name", "raff", "the server's name in the client")
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions([]string{"user", "project"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = completeClient
	return cmd
}

// completeClient completes the name of a client that has not been named yet.
func completeClient(_ *cobra.Command, args []string, prefix string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, c := range clients.All() {
		if strings.HasPrefix(c.Name, prefix) && !slices.Contains(args, c.Name) {
			names = append(names, cobra.CompletionWithDesc(c.Name, c.Title))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// checkSetupArgs checks the names of clients, which come before a double dash.
func checkSetupArgs(cmd *cobra.Command, args []string) error {
	for _, name := range clientArgs(cmd, args) {
		if _, err := findClient(name); err != nil {
			return err
		}
	}
	for _, s := range settings() {
		if s.Flag != "" && cmd.Flags().Changed(s.Flag) {
			return message(fmt.Sprintf("--%s: a flag of the server. Write it after a double dash: raff-mcp setup CLIENT -- --%[1]s.", s.Flag))
		}
	}
	return nil
}

// clientArgs returns the arguments that are names of clients.
func clientArgs(cmd *cobra.Command, args []string) []string {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		return args[:dash]
	}
	return args
}

// findClient returns the client with that name.
func findClient(name string) (*clients.Client, error) {
	if c, ok := clients.Find(name); ok {
		return c, nil
	}
	return nil, usageError{fmt.Errorf("unknown client%s. %s", suggest.Quote(name),
		advice(name, clients.Names(), "Choose from: "+strings.Join(clients.Names(), ", ")+"."))}
}

// setup connects clients, or disconnects them.
func (p *program) setup(cmd *cobra.Command, args []string, o setupOptions) error {
	if err := o.check(); err != nil {
		return usageError{err}
	}
	if f, ok := p.stdout.(*os.File); ok && wasClosed(f) {
		return usageError{message("standard output is closed, so nobody would learn what setup did. Open it.")}
	}
	env, err := p.clientsEnvironment()
	if err != nil {
		return err
	}
	names := clientArgs(cmd, args)
	run := &setupRun{program: p, env: env, options: o}
	if !o.remove {
		if run.server, err = p.server(args[len(names):]); err != nil {
			return usageError{err}
		}
		run.variables = p.serverVariables(run.server)
	}
	chosen, err := p.chooseClients(cmd.Context(), names, env)
	if err != nil {
		return err
	}
	return run.all(chosen)
}

// serverName matches names that every client accepts and that leave room for those of tools.
var serverName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$`)

func (o setupOptions) check() error {
	switch {
	case o.print && (o.dryRun || o.remove):
		return message("--print goes with neither --dry-run nor --remove. Leave one out.")
	case o.remove && o.replace:
		return message("--remove and --replace exclude each other. Leave one out.")
	case o.scope != "" && o.scope != string(clients.User) && o.scope != string(clients.Project):
		return message("--scope: must be user or project.")
	case raffclient.ContainsKey(o.name) || !serverName.MatchString(o.name):
		return message("--name: must be 1 to 30 letters, digits, hyphens and underscores, and begin with a letter or digit. Choose another name.")
	}
	return nil
}

// clientsEnvironment returns the environment in which clients are found.
func (p *program) clientsEnvironment() (clients.Environment, error) {
	dir, err := os.Getwd()
	if err != nil {
		return clients.Environment{}, fmt.Errorf("the working directory cannot be determined: %w. Change to another one", err)
	}
	environ := p.env.Environ
	if environ == nil {
		environ = func() []string { return nil }
	}
	return clients.Environment{Environ: environ, Home: p.env.Home, LookPath: exec.LookPath, GOOS: runtime.GOOS, Dir: dir}, nil
}
