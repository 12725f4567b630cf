package cli

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
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
	cmd := p.newCommand("setup [CLIENT...] [-- SERVER-FLAGS]", "Connect MCP clients", checkSetupArgs,
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
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.BoolVar(&o.print, "print", false, "print the entry and the file where it belongs; change nothing")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the difference; change nothing")
	flags.BoolVar(&o.remove, "remove", false, "remove the entry")
	flags.BoolVar(&o.replace, "replace", false, "replace an existing entry that differs")
	flags.StringVar(&o.scope, "scope", "", "user (everywhere, the default) or project (in this directory)")
	flags.StringVar(&o.name, "name", "raff", "the server's name in the client")
	_ = cmd.RegisterFlagCompletionFunc("scope", cobra.FixedCompletions([]string{"user", "project"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.ValidArgsFunction = completeClient
	return cmd
}

// completeClient completes the name of a client.
func completeClient(_ *cobra.Command, _ []string, prefix string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	for _, c := range clients.All() {
		if strings.HasPrefix(c.Name, prefix) {
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
var serverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,29}$`)

func (o setupOptions) check() error {
	changes := 0
	for _, set := range []bool{o.print, o.dryRun && !o.remove, o.remove} {
		if set {
			changes++
		}
	}
	switch {
	case changes > 1:
		return message("--print, --dry-run and --remove: of these, only --remove --dry-run go together. Leave one out.")
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

// A setupRun connects clients one after the other.
type setupRun struct {
	*program
	env       clients.Environment
	options   setupOptions
	server    clients.Server
	variables []string
}

// all connects each client. It continues after a failure, and then returns an error.
func (r *setupRun) all(chosen []*clients.Client) error {
	failed := 0
	for _, c := range chosen {
		err := r.one(c)
		if err == nil {
			continue
		}
		err = fmt.Errorf("%s: %w", c.Title, err)
		if len(chosen) == 1 {
			return err
		}
		fmt.Fprintf(r.stderr, "raff-mcp: %v\n", err)
		failed++
	}
	if failed > 0 {
		return message(fmt.Sprintf("%d of %d clients were left as they were. See above for the reason.", failed, len(chosen)))
	}
	return nil
}

func (r *setupRun) one(c *clients.Client) error {
	scope := clients.Scope(r.options.scope)
	if scope == "" {
		scope = c.Scopes[0]
	}
	if !c.HasScope(scope) {
		return usageError{message(fmt.Sprintf("--scope=%s: it has only the scope %s. Leave --scope out.", scope, c.Scopes[0]))}
	}
	plan, err := r.plan(c, scope)
	if err != nil {
		return err
	}
	switch {
	case r.options.print:
		return r.say("%s (%s): %s\n%s%s", c.Title, plan.Scope, printable.String(plan.Path), plan.Entry(), notes(c, plan))
	case plan.Change == clients.Conflict:
		return conflict(plan)
	case plan.Change == clients.Nothing && r.options.remove:
		return r.say("%s: %s contains no entry %s. Nothing was changed.\n", c.Title, printable.String(plan.Path), r.options.name)
	case plan.Change == clients.Nothing:
		return r.say("%s: %s already contains this entry. Nothing was changed.\n%s", c.Title, printable.String(plan.Path), notes(c, plan))
	case r.options.dryRun:
		return r.say("%s\n%s: nothing was changed, because of --dry-run.\n%s", showLines(plan.Diff()), c.Title, notes(c, plan))
	}
	return r.apply(c, plan)
}

func (r *setupRun) plan(c *clients.Client, scope clients.Scope) (*clients.Plan, error) {
	if r.options.remove {
		return c.PlanRemove(r.env, scope, r.options.name)
	}
	request := clients.Request{
		Name: r.options.name, Scope: scope, Server: r.server, Variables: r.variables, Replace: r.options.replace,
	}
	if r.options.print {
		return c.PlanPrint(r.env, request)
	}
	return c.PlanSet(r.env, request)
}

// apply makes the change and says what was done and what to do next.
func (r *setupRun) apply(c *clients.Client, plan *clients.Plan) error {
	backup, err := plan.Apply()
	if err != nil {
		return err
	}
	done := map[clients.Change]string{
		clients.Add: "added to", clients.Replace: "replaced in", clients.Remove: "removed from",
	}[plan.Change]
	if backup != "" {
		backup = " The old file is " + printable.String(backup) + "."
	}
	next := ""
	if plan.Change != clients.Remove {
		step := c.Next
		if plan.Scope == clients.Project {
			step = cmp.Or(c.NextInProject, step)
		}
		next = fmt.Sprintf("  Next: %s Then check it: raff-mcp doctor %s\n", step, c.Name)
	}
	return r.say("%s: %s was %s %s.%s\n%s%s", c.Title, r.options.name, done, printable.String(plan.Path), backup, notes(c, plan), next)
}

func (r *setupRun) say(format string, args ...any) error {
	_, err := fmt.Fprintf(r.stdout, format, args...)
	return err
}

// conflict shows the entry in the file and the one that was requested.
func conflict(plan *clients.Plan) error {
	return message(fmt.Sprintf("%s contains another entry of that name. Replace it with --replace, or choose another name with --name.\n"+
		"In the file:\n%sRequested:\n%s", printable.String(plan.Path), showLines(plan.Existing()), strings.TrimRight(plan.Entry(), "\n")))
}

// showLines returns lines of a client's file in a form that is safe to show.
func showLines(text string) string {
	var out strings.Builder
	for line := range strings.Lines(raffclient.RedactKeys(text)) {
		line = strings.ReplaceAll(strings.TrimRight(line, "\r\n"), "\t", "    ")
		out.WriteString(printable.String(line) + "\n")
	}
	return out.String()
}

// notes says what may keep the entry from working, one line each.
func notes(c *clients.Client, plan *clients.Plan) string {
	var out strings.Builder
	if plan.Change != clients.Remove {
		for _, name := range plan.Withheld {
			fmt.Fprintf(&out, "  Note: %s does not pass %s on to servers. %s\n", c.Title, name, withheldRemedy(c, name))
		}
		if plan.Scope == clients.Project {
			fmt.Fprintf(&out, "  Note: The entry contains the program's path. It does not work for somebody who has raff-mcp elsewhere.\n")
		}
	}
	for _, path := range plan.Preferred {
		fmt.Fprintf(&out, "  Note: %s prefers the entry of the same name in %s. Remove it there, or choose another name.\n", c.Title, printable.String(path))
	}
	return out.String()
}

// withheldRemedy says what to do about a variable that does not reach the server.
func withheldRemedy(c *clients.Client, name string) string {
	if name == busVariable {
		return "If the server does not find the keychain there, add RAFF_API_KEY_FILE with the path of a file that contains the key to env in the entry."
	}
	for _, s := range settings() {
		if s.Env == name && s.Flag != "" {
			return fmt.Sprintf("Use the flag instead: raff-mcp setup %s --replace -- --%s", c.Name, s.Flag)
		}
	}
	return "Store the key with raff-mcp login."
}
