package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

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

// one connects a client, or does what the flags say instead.
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

// plan plans what the flags say.
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
