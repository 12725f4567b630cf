package clients

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// A Server is what a client is to start.
type Server struct {
	Command string // an absolute path
	Args    []string
}

// A Request is an entry to write.
type Request struct {
	Name   string
	Scope  Scope
	Server Server
	// Variables are the names of variables that are set here and that the server needs.
	// Those that the client withholds become part of the entry, by name and never with
	// their values.
	Variables []string
	// Replace replaces an entry that differs.
	Replace bool
}

// A Change is what a plan does to the file.
type Change int

// The changes. Nothing leaves the file as it is, because it contains what was requested
// already; Conflict, because it contains an entry that differs.
const (
	Nothing Change = iota
	Conflict
	Add
	Replace
	Remove
)

// A Plan is a change of a client's file. Until it is applied, nothing is written.
type Plan struct {
	// Path is the file that changes, and Scope for whom its entries are valid.
	Path  string
	Scope Scope
	// Change is what is done.
	Change Change
	// Withheld are the names of requested variables that the client does not pass on and
	// that its entries cannot name.
	Withheld []string
	// Preferred are files with an entry of the same name that the client prefers.
	Preferred []string

	client   *Client
	format   format
	location location
	name     string
	file     *confedit.File
	text     []byte          // the new text
	entry    confedit.Object // the requested entry, nil to remove it
	existing any             // the entry in the file, nil if there is none
}

// PlanPrint plans nothing but to print the entry, and so does not depend on what the file
// contains.
func (c *Client) PlanPrint(env Environment, r Request) (*Plan, error) {
	d, err := env.dirs()
	if err != nil {
		return nil, err
	}
	p := c.newPlan(d, r.Scope, r.Name)
	_, err = p.request(env, r)
	return p, err
}

// PlanSet plans to write an entry.
func (c *Client) PlanSet(env Environment, r Request) (*Plan, error) {
	p, err := c.readPlan(env, r.Scope, r.Name)
	if err != nil {
		return nil, err
	}
	named, err := p.request(env, r)
	if err != nil || p.existing != nil && p.isSuperset(r.Server, named) {
		return p, err
	}
	p.text, err = p.format.syntax.Set(p.file.Text, p.location.section, r.Name, p.entry)
	switch {
	case err != nil:
		return nil, p.file.Fault(err)
	case p.existing == nil:
		p.Change = Add
	case !r.Replace:
		p.Change = Conflict
	default:
		p.Change = Replace
	}
	return p, nil
}

// PlanRemove plans to remove an entry.
func (c *Client) PlanRemove(env Environment, scope Scope, name string) (*Plan, error) {
	p, err := c.readPlan(env, scope, name)
	if err != nil || p.existing == nil {
		return p, err
	}
	p.Change = Remove
	if p.text, err = p.format.syntax.Remove(p.file.Text, p.location.section, name); err != nil {
		return nil, p.file.Fault(err)
	}
	return p, nil
}

// newPlan returns a plan that changes nothing, for the file in which an entry of that name
// is, or where it belongs.
func (c *Client) newPlan(d dirs, scope Scope, name string) *Plan {
	l := c.location(d, scope, name)
	return &Plan{Path: l.path, Scope: scope, client: c, format: c.formatAt(l), location: l, name: name}
}

// request sets the entry that is requested, and returns the names of the variables in it.
func (p *Plan) request(env Environment, r Request) (named []string, err error) {
	if err := p.client.checkLiteral(r.Server); err != nil {
		return nil, err
	}
	named, p.Withheld = p.client.partition(env, r.Variables)
	p.entry = p.format.encode(r.Server, named, p.client.rules.placeholders.refer)
	return named, nil
}

// readPlan returns a plan whose file has been read.
func (c *Client) readPlan(env Environment, scope Scope, name string) (*Plan, error) {
	d, err := env.dirs()
	if err != nil {
		return nil, err
	}
	p := c.newPlan(d, scope, name)
	if p.file, err = confedit.ReadFile(p.Path); err != nil {
		return nil, err
	}
	p.text = p.file.Text
	value, ok, err := p.format.syntax.Entry(p.file.Text, p.location.section, name)
	if err != nil {
		return nil, p.file.Fault(err)
	}
	if ok {
		p.existing = value
	}
	p.Preferred = c.preferred(d, p.location, name)
	return p, nil
}

// preferred returns the files whose entries of that name the client prefers to one at l.
func (c *Client) preferred(d dirs, l location, name string) (paths []string) {
	for _, other := range c.locations(d) {
		if other.path == l.path && slices.Equal(other.section, l.section) {
			break
		}
		if e, ok := c.entry(other, name); ok && e.Problem == nil {
			paths = append(paths, e.Path)
		}
	}
	return paths
}

// partition separates the variables that the client withholds, which its entries can name,
// from those that they cannot name. Variables that the client passes on are in neither.
func (c *Client) partition(env Environment, variables []string) (named, withheld []string) {
	for _, name := range variables {
		switch {
		case !c.Withholds(env, name):
		case c.format.passOn != "" || c.rules.placeholders.refer != nil:
			named = append(named, name)
		default:
			withheld = append(withheld, name)
		}
	}
	return named, withheld
}

// isSuperset reports whether the entry in the file starts the server with at least the
// variables named, and differs from the requested one in nothing but the names of further
// variables. They may have been set when it was written.
func (p *Plan) isSuperset(s Server, named []string) bool {
	c := p.client
	var e Entry
	if p.format.decode(p.existing, &e) != nil {
		return false
	}
	all := slices.Clone(e.PassOn)
	for _, v := range e.Env {
		all = append(all, v.Name)
	}
	for _, name := range named {
		if !slices.Contains(all, name) {
			return false
		}
	}
	if len(all) > 0 && p.format.passOn == "" && c.rules.placeholders.refer == nil {
		return false
	}
	want := p.format.encode(s, all, c.rules.placeholders.refer)
	text, err := p.format.syntax.Set(p.file.Text, p.location.section, p.name, want)
	return err == nil && bytes.Equal(text, p.file.Text)
}

// checkLiteral returns an error if the client would replace a part of the command or of an
// argument, because no client has a way to quote that.
func (c *Client) checkLiteral(s Server) error {
	for _, text := range append([]string{s.Command}, s.Args...) {
		if found := c.rules.placeholders.find(text); found != "" {
			return &confedit.Error{
				Problem: "it would replace " + printable.String(found) + " in the server's command line with the value of a variable",
				Fix:     "Write the value itself, or choose a path without it",
			}
		}
	}
	return nil
}

// Apply makes the change, and returns the path of the backup of the old file, or "" if
// there is none. A plan is applied once.
func (p *Plan) Apply() (backup string, err error) {
	if p.Change == Nothing || p.Change == Conflict {
		return "", nil
	}
	return p.file.Write(p.text)
}

// Entry returns the requested entry as a file that contains only it.
func (p *Plan) Entry() string {
	return ensureNewline(string(p.format.syntax.Format(p.location.section, p.name, p.entry)))
}

// Existing returns the entry in the file as a file that contains only it, without values
// that may be secret.
func (p *Plan) Existing() string {
	entry, ok := redactEntry(p.existing).(confedit.Object)
	if !ok {
		return "…\n"
	}
	return ensureNewline(string(p.format.syntax.Format(p.location.section, p.name, entry)))
}

func ensureNewline(text string) string { return strings.TrimRight(text, "\n") + "\n" }
