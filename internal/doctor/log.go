package doctor

import (
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// warning matches a record of raff-mcp's log that is a warning or an error, as text or as
// JSON.
var warning = lazyregexp.New(`^\S+ (?:WRN|ERR) |"level":"(?:WARN|ERROR)"`)

// checked matches warnings about what is checked anyway.
var checked = lazyregexp.New(`no usable API key|request failed|other users can read`)

// checkLog shows the other warnings that processes have logged. A client may show them
// nowhere, and one of them may say where a secret is that was not delivered.
func checkLog(r *Result, stderr string) {
	var list []string
	for _, line := range cleanLines(stderr, maxLines) {
		if warning.MatchString(line) && !checked.MatchString(line) && !r.says(line) {
			list = append(list, line)
		}
	}
	if n := len(list); n > stderrLines {
		list = list[n-stderrLines:]
	}
	if len(list) > 0 {
		r.add(Check{Name: "log", Text: "the program has logged warnings", Fix: "Do what they say.", Details: list})
	}
}

// says reports whether a check that has failed says the same as a line of a log.
func (r *Result) says(line string) bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.OK && strings.Contains(line, c.Text) })
}
