package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Sends returns what checking does and sends to the API, as sentences: for the entries of
// clients, or for this program itself.
func Sends(self, rehearse bool) []string {
	list := []string{"Sends GET /api/v1/api-keys?limit=1, with the key and to the API that this program is configured for."}
	if !self {
		list = []string{
			"Starts each server as its client does, and calls its tool whoami: GET /api/v1/api-keys and GET /api/v1/roles, with the key and to the API that the server is configured for.",
			"Runs the program once more in the same environment, to check what MCP does not show: GET /api/v1/api-keys?limit=1.",
		}
	}
	list = append(list, "Changes nothing in the account or in any client's configuration.")
	if rehearse {
		list = append(list, "Delivers a made-up secret, with --rehearse, as it is configured for new secrets.")
	}
	return list
}

// WriteText writes the result for a person.
func (r Result) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", r.heading())
	for _, c := range r.Checks {
		b.WriteString(c.text())
	}
	if list := strings.Join(r.NotChecked, ", "); list != "" {
		if len(r.Checks) == 1 {
			list = "everything else"
		}
		fmt.Fprintf(&b, "  - not checked, because of the above: %s\n", list)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// heading says which entry the result is about.
func (r Result) heading() string {
	text := r.Title
	if r.Name != "" {
		text += ": " + r.Name
	}
	switch {
	case r.File != "" && r.Scope != "":
		text += fmt.Sprintf(" in %s (%s)", r.File, r.Scope)
	case r.File != "":
		text += " in " + r.File
	}
	return text
}

func (c Check) text() string {
	mark := "✓"
	if !c.OK {
		mark = "✗"
	}
	line := fmt.Sprintf("  %s %s: %s", mark, c.Name, strings.TrimSuffix(c.Text, "."))
	if c.Fix != "" {
		line += ". " + c.Fix
	}
	line += "\n"
	for _, detail := range c.Details {
		line += "      | " + detail + "\n"
	}
	return line
}
