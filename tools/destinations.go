package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// A Destination is a place for new secrets that the administrator has named. A call can
// choose one by its name, and nothing else about it.
type Destination struct {
	Name string
	// Kind is what it is, if there is no Description: "command".
	Kind string
	// Description is the administrator's text.
	Description string
	// Method delivers to it. A server that only lists its tools does not need it.
	Method *delivery.Method
}

// deliverTo is the property that chooses a destination. The tools that return a secret have
// it if there is at least one.
const deliverTo = "deliver_to"

// Limits on how much of the descriptions a model sees, in characters: of each, and of all.
const maxDescription, maxDescriptions = 100, 2000

// Adapted returns the tool as a server with this configuration offers it: if there are
// destinations, a tool that returns a secret lets the call choose one.
func (cfg Config) Adapted(t Tool) Tool {
	if len(cfg.Destinations) == 0 || t.withProperties == nil {
		return t
	}
	adapted := t.withProperties(cfg.destinationProperty())
	adapted.Toolset = t.Toolset
	return adapted
}

// destinationProperty describes the destinations to a model.
func (cfg Config) destinationProperty() schema.Property {
	p := schema.Property{Name: deliverTo, Required: cfg.MustChoose}
	most := max(min(maxDescription, maxDescriptions/len(cfg.Destinations)), maxShort)
	var list []string
	for _, to := range cfg.Destinations {
		p.Enum = append(p.Enum, to.Name)
		list = append(list, to.Name+": "+cfg.text(cmp.Or(to.Description, to.Kind), most))
	}
	p.Description = "Destination that the secret goes to, without you seeing it. " + strings.Join(list, "; ") + "."
	return p
}

// text returns the administrator's text in a form that is safe for a model: on one line,
// sanitized and bounded.
func (cfg Config) text(text string, most int) string {
	text = raffclient.RedactKeys(text)
	if cfg.Client != nil {
		text = cfg.Client.Sanitize(text)
	}
	runes := []rune(strings.TrimRight(strings.Join(strings.Fields(text), " "), "."))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return string(runes)
}

// methodKey is the context key for the *delivery.Method that a call chose.
type methodKey struct{}

// withDestination returns a context for a call with these extra properties: one in which
// method returns that of the destination, if the call chose one.
func (d *deps) withDestination(ctx context.Context, extra map[string]string) context.Context {
	name, chosen := extra[deliverTo]
	if !chosen {
		return ctx
	}
	i := slices.IndexFunc(d.destinations, func(to Destination) bool { return to.Name == name })
	if i < 0 || d.destinations[i].Method == nil { // the secret must not go elsewhere instead
		panic("tools: a call chose a destination that has no method")
	}
	return context.WithValue(ctx, methodKey{}, d.destinations[i].Method)
}

// method returns how the secret of the call is delivered.
func (d *deps) method(ctx context.Context) *delivery.Method {
	if chosen, ok := ctx.Value(methodKey{}).(*delivery.Method); ok {
		return chosen
	}
	return d.secrets
}

// destinationOf says, for the person who confirms a call, where the new secret will go.
func (d *deps) destinationOf(ctx context.Context) string {
	m := d.method(ctx)
	if to := m.Destination(); to != "" {
		return fmt.Sprintf(" The new secret goes to the destination %s: %s.", to, m.Where())
	}
	return fmt.Sprintf(" The new secret goes to %s.", m.Where())
}

// otherDestination is what a call can do instead, if a secret cannot be delivered to the
// destination that it chose, or if it chose none.
func (d *deps) otherDestination(chosen string) string {
	others := slices.ContainsFunc(d.destinations, func(to Destination) bool { return to.Name != chosen })
	switch {
	case !others && chosen == "":
		return "; tool arguments cannot change where secrets go"
	case !others:
		return ""
	case chosen == "":
		return "; or choose a destination with " + deliverTo
	}
	return "; or choose another destination with " + deliverTo
}
