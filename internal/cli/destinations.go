package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/internal/suggest"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// destinationReport says about a destination what it is and whether it works.
type destinationReport struct {
	Name        string           `json:"name"`
	Kind        string           `json:"kind"`
	Where       string           `json:"where"`
	Description string           `json:"description,omitempty"`
	Works       bool             `json:"works"`
	Problem     string           `json:"problem,omitempty"`
	Rehearsal   *rehearsalReport `json:"rehearsal,omitempty"`
}

// rehearsalReport says what the delivery of a made-up secret did.
type rehearsalReport struct {
	Secret   string `json:"secret"`
	Location string `json:"location,omitempty"`
	Output   string `json:"output,omitempty"`
	Skipped  string `json:"skipped,omitempty"`
	Left     string `json:"left,omitempty"`
}

func newDestinationsCommand(p *program) *cobra.Command {
	var rehearse bool
	cmd := p.newCommand("destinations [NAME...]", "List the destinations for secrets, and test them",
		func(*cobra.Command, []string) error { return nil }, // the names depend on the configuration
		func(cmd *cobra.Command, args []string) error { return p.destinations(cmd, args, rehearse) })
	cmd.Long = `List the destinations in ~/.raff/mcp.yaml, or those of these names, and check whether
they work. That writes nothing that stays. With --rehearse, deliver a made-up secret to
each, which begins with raff_rehearsal_ and grants no access, and show all that a command
prints. A file that a delivery would change is left as it is, and an entry of the keychain
is removed again; what a command has stored remains. Nothing is sent to the Raff API.`
	cmd.Example = `  raff-mcp destinations
  raff-mcp destinations --rehearse site-ci`
	cmd.Flags().BoolVar(&rehearse, "rehearse", false, "deliver a made-up secret, and show what a command prints")
	cmd.Annotations = map[string]string{jsonAnnotation: ""}
	cmd.ValidArgsFunction = p.completeDestination
	return cmd
}

// completeDestination completes the name of a destination.
func (p *program) completeDestination(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	cfg, err := config.Load(cmd.Flags(), p.env, choices())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, d := range cfg.Destinations {
		if strings.HasPrefix(d.Name, prefix) && !slices.Contains(args, d.Name) {
			names = append(names, cobra.CompletionWithDesc(d.Name, cmp.Or(d.Description, d.Kind)))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// errBroken is the error of a list with destinations that do not work, which it shows.
const errBroken = message("a destination does not work. Fix what is reported above, then run this command again.")

func (p *program) destinations(cmd *cobra.Command, names []string, rehearse bool) error {
	s, err := p.newSession(cmd)
	if err != nil {
		return err
	}
	list, err := chosenDestinations(s.cfg.Destinations, names)
	if err != nil {
		return usageError{err}
	}
	reports, err := s.reports(cmd.Context(), list, rehearse)
	if err != nil {
		return err
	}
	if p.json {
		err = printJSON(p.stdout, map[string]any{"destinations": reports})
	} else {
		err = printDestinations(p.stdout, reports)
	}
	if err == nil && slices.ContainsFunc(reports, func(r destinationReport) bool { return !r.Works }) {
		err = errBroken
	}
	return err
}

// chosenDestinations returns those of list with these names, or all if there are none.
func chosenDestinations(list []config.Destination, names []string) ([]config.Destination, error) {
	if len(list) == 0 {
		return nil, message("destinations: none is configured. Add destinations: to ~/.raff/mcp.yaml, with a name and a place for each.")
	}
	if len(names) == 0 {
		return list, nil
	}
	var known []string
	for _, d := range list {
		known = append(known, d.Name)
	}
	var chosen []config.Destination
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, fmt.Errorf("destinations: unknown destination%s. %s", suggest.Quote(name), advice(name, known, "Run raff-mcp destinations for a list."))
		}
		chosen = append(chosen, list[i])
	}
	return chosen, nil
}

// reports checks or rehearses the destinations.
func (s *session) reports(ctx context.Context, list []config.Destination, rehearse bool) ([]destinationReport, error) {
	reports := make([]destinationReport, len(list))
	var checks sync.WaitGroup
	for i, d := range list {
		m, err := delivery.New(ctx, s.destinationConfig(d))
		if err != nil {
			return nil, err
		}
		reports[i] = destinationReport{Name: d.Name, Kind: d.Kind, Where: where(d), Description: d.Description}
		if rehearse { // one after the other: a command may ask the user something
			reports[i].rehearse(ctx, m)
			continue
		}
		checks.Go(func() { reports[i].fail(m.Ready(ctx)) })
	}
	checks.Wait()
	return reports, nil
}

// where returns where a destination is: of a command only the program, because arguments may
// contain a password.
func where(d config.Destination) string {
	switch d.Kind {
	case "command":
		program, value, found := strings.Cut(strings.Fields(d.Command)[0], "=")
		if found && value != "" { // a variable, which does not belong there
			program += "="
		}
		return printable.String(program) + " …"
	case "env-file":
		return d.Variable + " in " + printable.String(d.Path)
	case "file":
		return printable.String(d.Path)
	}
	return "the system keychain"
}

// fail records whether the destination works.
func (r *destinationReport) fail(err error) {
	if notReady, ok := errors.AsType[*delivery.NotReadyError](err); ok {
		err = notReady.Err
	}
	if r.Works = err == nil; !r.Works {
		r.Problem = printable.String(err.Error())
	}
}

// rehearse delivers a made-up secret.
func (r *destinationReport) rehearse(ctx context.Context, m *delivery.Method) {
	if r.fail(m.Ready(ctx)); !r.Works {
		return
	}
	done, err := m.Rehearse(ctx)
	r.fail(err)
	r.Rehearsal = &rehearsalReport{done.Secret, done.Location, done.Output, done.Skipped, done.Left}
}

// printDestinations prints the reports for a person.
func printDestinations(out io.Writer, reports []destinationReport) error {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "\tNAME\tKIND\tWHERE\tDESCRIPTION")
	for _, r := range reports {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", mark(r.Works), r.Name, r.Kind, r.Where, r.Description)
	}
	_ = w.Flush() // text accepts everything
	for line := range strings.Lines(text.String()) {
		if _, err := fmt.Fprintln(out, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	for _, r := range reports {
		if _, err := io.WriteString(out, r.details()); err != nil {
			return err
		}
	}
	return nil
}

func mark(works bool) string {
	if works {
		return "✓"
	}
	return "✗"
}

// details returns what does not work, and what a rehearsal did.
func (r destinationReport) details() string {
	var b strings.Builder
	if r.Problem != "" {
		fmt.Fprintf(&b, "\n✗ %s: %s\n", r.Name, r.Problem)
	}
	if r.Rehearsal == nil {
		return b.String()
	}
	if r.Works {
		did := "was delivered"
		if r.Rehearsal.Skipped != "" {
			did = "can be delivered"
		}
		fmt.Fprintf(&b, "\n✓ %s: the made-up secret %s %s: %s\n", r.Name, r.Rehearsal.Secret, did, printable.String(r.Rehearsal.Location))
	}
	for _, sentence := range []string{r.Rehearsal.Skipped, r.Rehearsal.Left} {
		if sentence != "" {
			fmt.Fprintf(&b, "  %s\n", printable.String(sentence))
		}
	}
	if r.Rehearsal.Output != "" {
		b.WriteString("  It printed:\n")
	}
	for line := range strings.Lines(r.Rehearsal.Output) {
		fmt.Fprintf(&b, "  | %s\n", printable.String(strings.TrimRight(line, "\r\n")))
	}
	return b.String()
}
