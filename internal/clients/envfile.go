package clients

import (
	"os"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// readFile sets the variables in a file of lines NAME=value, as editors read it.
func (s *variableSet) readFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return &confedit.Error{Problem: "the entry's envFile " + printable.String(path) + " cannot be read", Fix: "Correct the path there, or create the file"}
	}
	for line := range strings.Lines(string(text)) {
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
