package doctor

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// examineSelf runs the program as the client does, but with the command doctor, so that it
// checks itself in the environment and the directory that the server has. That also works
// through programs that pass their arguments on, such as npx. It returns what the program
// has printed on standard error.
func (c Config) examineSelf(ctx context.Context, r *Result, l Launch, path string) (log string) {
	l.Args = append(withoutSeparator(l.Args), "doctor", "--self", "--json")
	if c.Rehearse {
		l.Args = append(l.Args, "--rehearse")
	}
	p, err := startProcess(ctx, l, path)
	if err != nil { // although the server could be started
		r.fail("configuration", "the program could not be started again: "+clean(reason(err)), "Try again.")
		r.skip(selfChecks[1:]...)
		return ""
	}
	p.in.Close() // a server, which does not know that it should check itself, ends
	text, complete := readAll(ctx, p, c)
	byItself := p.stop(c.Exit)
	var report Report
	switch {
	case complete && byItself && json.Unmarshal([]byte(text), &report) == nil && len(report.Entries) == 1:
	case !isSameFile(path, c.Executable) && strings.TrimSpace(text) == "":
		r.pass("configuration", "cannot be checked, because %s does not pass arguments on to raff-mcp. Run `raff-mcp doctor --self` where the server runs", clean(l.Command))
		r.skip(selfChecks[1:]...)
		return ""
	default:
		r.add(Check{Name: "configuration", Text: "the program could not check itself: it " + p.exit(), Fix: "Run `raff-mcp doctor --self` with the arguments and variables of the entry.",
			Details: cleanLines(p.stderr.String(), stderrLines)})
		r.skip(selfChecks[1:]...)
		return ""
	}
	merge(r, report.Entries[0])
	return p.stderr.String()
}

// withoutSeparator removes a -- at the end, behind which no command would be recognized.
func withoutSeparator(args []string) []string {
	if n := len(args); n > 0 && args[n-1] == "--" {
		args = args[:n-1]
	}
	return slices.Clone(args)
}

// readAll reads standard output to its end. It reports false if that does not come within
// Config.Call, or if there is too much.
func readAll(ctx context.Context, p *process, c Config) (text string, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, c.Call)
	defer cancel()
	var b strings.Builder
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				return b.String(), true
			}
			b.WriteString(l.text + "\n")
			if b.Len() > maxLine {
				return "", false
			}
		case <-ctx.Done():
			return "", false
		}
	}
}

// merge adds the checks of the program itself to those of the server. They are untrusted,
// like everything that a process prints.
func merge(r *Result, own Result) {
	known := append(slices.Clone(selfChecks), "rehearsal")
	for _, check := range own.Checks {
		check.Text, check.Fix = clean(check.Text), clean(check.Fix)
		check.Details = cleanLines(strings.Join(check.Details, "\n"), maxLines)
		i := slices.IndexFunc(r.Checks, func(c Check) bool { return c.Name == "key" && !c.OK })
		switch {
		case slices.Contains(known, check.Name):
			r.add(check)
		case check.Name == "key" && !check.OK && i >= 0: // whoami has found the same, in more words
			r.Checks[i] = check
		}
	}
	for _, name := range own.NotChecked {
		if slices.Contains(known, name) {
			r.skip(name)
		}
	}
}
