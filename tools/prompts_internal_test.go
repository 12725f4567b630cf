package tools

import (
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// A prompt is offered if the tools that it declares are, so it declares all that it names.
func TestPromptsDeclareTheirTools(t *testing.T) {
	d := Config{Secrets: &delivery.Method{}, Logger: slog.New(slog.DiscardHandler)}.deps()
	words := regexp.MustCompile(`[a-z]+(_[a-z]+)*`)
	for _, p := range d.prompts() {
		named := words.FindAllString(p.text(d, nil), -1)
		for _, tool := range All() {
			if declared := slices.Contains(p.tools, tool.Name); declared != slices.Contains(named, tool.Name) {
				t.Errorf("%s: %s: declared: %t", p.name, tool.Name, declared)
			}
		}
		for _, name := range p.tools {
			if !d.offers(name) {
				t.Errorf("%s: there is no tool %s", p.name, name)
			}
		}
		for _, a := range p.arguments {
			if !strings.HasSuffix(a.description, ".") {
				t.Errorf("%s: %s: %q is no sentence", p.name, a.name, a.description)
			}
		}
	}
}
