package clients

import (
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// readFile sets the variables in a file of lines NAME=value, as editors read it. The path may
// come from somebody else's project: a device or a pipe, which may never end, is an error.
func (s *variableSet) readFile(path string) error {
	file, err := confedit.ReadFile(path)
	if err != nil || !file.Exists {
		return &confedit.Error{Problem: "the entry's envFile " + printable.String(path) + " cannot be read", Fix: "Correct the path there, or create a regular file there"}
	}
	for line := range strings.Lines(string(file.Text)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		name = strings.TrimSpace(strings.TrimPrefix(name, "export "))
		if !ok || name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		s.set(name, unquote(strings.TrimSpace(value)))
	}
	return nil
}

// unquote removes one pair of quotes.
func unquote(value string) string {
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(value, quote); ok && strings.HasSuffix(inner, quote) {
			return strings.TrimSuffix(inner, quote)
		}
	}
	return value
}
