package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// activityGrace is how long the program waits at its end for the activity log.
const activityGrace = 2 * time.Second

// addActivity opens the activity log, if one is configured. The log must be closed.
func (s *session) addActivity() error {
	if s.cfg.ActivityLog == "" {
		return nil
	}
	log, err := activity.Open(activity.Config{Path: s.cfg.ActivityLog, Logger: s.log})
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", s.cfg.Sources["activity-log"], err)}
	}
	s.tools.Activity, s.tools.API = log, apiName(s.cfg)
	return nil
}

func newActivityCommand(p *program) *cobra.Command {
	var since string
	cmd := p.newCommand("activity", "Print the activity log", rejectArguments, func(cmd *cobra.Command, _ []string) error {
		return p.activity(cmd, since)
	})
	cmd.Long = `Print the activity log: what the tools changed or tried to change, the newest last. The
server writes it if --activity-log or RAFF_MCP_ACTIVITY_LOG names a file; give the same
here. A creation of which no outcome is known is unknown. With --json, print the lines as
they are.`
	cmd.Example = `  raff-mcp activity --activity-log ~/.raff/activity.jsonl --since 7d
  raff-mcp activity --since 2027-01-31 --json`
	cmd.Annotations = map[string]string{jsonAnnotation: ""}
	cmd.Flags().StringVar(&since, "since", "", "only what happened since: 30m, 12h, 7d, 2w, or a date")
	_ = cmd.RegisterFlagCompletionFunc("since", cobra.FixedCompletions([]string{"1h", "1d", "7d", "30d"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// activity prints the activity log.
func (p *program) activity(cmd *cobra.Command, since string) error {
	after, err := parseSince(since, time.Now())
	if err != nil {
		return usageError{err}
	}
	cfg, err := config.Load(cmd.Flags(), p.env, choices())
	if err != nil {
		return usageError{err}
	}
	if cfg.ActivityLog == "" {
		return usageError{message("activity: no activity log is configured. Set --activity-log or RAFF_MCP_ACTIVITY_LOG to a file, for the server and here.")}
	}
	var printErr error
	var rows activityRows
	broken, err := activity.Read(cfg.ActivityLog, func(l activity.Line) bool {
		switch at, _ := l.When(); {
		case at.Before(after):
		case p.json:
			_, printErr = fmt.Fprintf(p.stdout, "%s\n", bytes.ToValidUTF8(l.Text, []byte("?")))
		default:
			rows.add(l.Record)
		}
		return printErr == nil
	})
	switch {
	case printErr != nil:
		return printErr
	case errors.Is(err, fs.ErrNotExist):
		return message(fmt.Sprintf("activity: %s does not exist. A server creates it when it starts with --activity-log.", printable.String(cfg.ActivityLog)))
	case err != nil:
		return fmt.Errorf("activity: %w", err)
	}
	if !p.json {
		if err := p.printRows(rows.list); err != nil {
			return err
		}
	}
	if broken > 0 {
		fmt.Fprintf(p.stderr, "raff-mcp: activity: skipped lines that are not records: %d\n", broken)
	}
	return nil
}

var durationPattern = lazyregexp.New(`^([0-9]{1,4})([mhdw])$`)

// parseSince returns the time that the value of --since means, or zero for "".
func parseSince(since string, now time.Time) (time.Time, error) {
	if since == "" {
		return time.Time{}, nil
	}
	if m := durationPattern.Get().FindStringSubmatch(since); m != nil {
		n, _ := strconv.Atoi(m[1]) // at most 4 digits, so nothing overflows
		unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		return now.Add(-time.Duration(n) * unit), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, since, now.Location()); err == nil {
		return t, nil
	}
	if t, err := time.Parse(time.RFC3339, since); err == nil {
		return t, nil
	}
	return time.Time{}, message("--since: must be a duration such as 30m, 12h, 7d or 2w, or a date such as 2027-01-31. Correct it, or omit it to see everything.")
}

// activityRows are the calls in a log, in the order in which they were first recorded. The
// zero value is ready for use.
type activityRows struct {
	list   []activity.Record
	byCall map[string]int
}

// add adds a record. The last one of a call replaces those before it.
func (a *activityRows) add(r activity.Record) {
	if a.byCall == nil {
		a.byCall = map[string]int{}
	}
	i, known := a.byCall[r.Call]
	if !known {
		a.byCall[r.Call] = len(a.list)
		a.list = append(a.list, r)
		return
	}
	a.list[i] = r
}

// printRows prints a table with a row for each call.
func (p *program) printRows(rows []activity.Record) error {
	w := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tTOOL\tOUTCOME\tNAME\tID\tDETAILS\tCLIENT")
	for _, r := range rows {
		at, _ := r.When()
		if r.Outcome == activity.Begun {
			r.Outcome, r.Note = activity.Unknown, "The server ended during this call, or it is still running."
		}
		cells := []string{at.UTC().Format(time.RFC3339), r.Tool, string(r.Outcome), r.Name, r.ID, details(r), strings.TrimSpace(r.Client.Name + " " + r.Client.Version)}
		for i, cell := range cells {
			cells[i] = printable.String(cell)
			if cell == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

// details returns what the other columns of a row do not contain.
func details(r activity.Record) string {
	var list []string
	for _, part := range [][2]string{
		{"", map[bool]string{true: "sandbox"}[r.Sandbox]},
		{"prefix ", r.Prefix},
		{"project ", r.ProjectID},
		{"replaces ", r.Replaces},
		{"person: ", string(r.Answer)},
		{"secret: ", r.Delivery},
		{"to ", r.Destination},
	} {
		if part[1] != "" {
			list = append(list, part[0]+part[1])
		}
	}
	for _, c := range r.Changes {
		list = append(list, changeText(c))
	}
	if r.Note != "" {
		list = append(list, r.Note)
	}
	return strings.Join(list, "; ")
}

// changeText returns a change as text: "name: a → b".
func changeText(c activity.Change) string {
	if c.From == nil {
		return fmt.Sprintf("%s: %s", c.Field, brief(c.To))
	}
	return fmt.Sprintf("%s: %s → %s", c.Field, brief(c.From), brief(c.To))
}

// brief returns the beginning of a value.
func brief(value any) string {
	const most = 60 // characters
	text := "none"
	if value != nil {
		text = fmt.Sprint(value)
	}
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
