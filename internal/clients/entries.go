package clients

import (
	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// Entries returns what the client's files contain for the server with that name, the entry
// that the client prefers first. A file that cannot be read or parsed is an entry with a
// Problem. The error is about the environment, not about files.
func (c *Client) Entries(env Environment, name string) ([]Entry, error) {
	d, err := env.dirs()
	if err != nil {
		return nil, err
	}
	var entries []Entry
	broken := map[string]bool{}
	for _, l := range c.locations(d) {
		e, ok := c.entry(l, name)
		if !ok || e.Problem != nil && broken[l.path] {
			continue
		}
		broken[l.path] = e.Problem != nil
		entries = append(entries, e)
	}
	return entries, nil
}

// entry returns the entry with that name at l, and whether there is one or a problem.
func (c *Client) entry(l location, name string) (e Entry, ok bool) {
	e = Entry{Path: l.path, Scope: l.scope}
	file, err := confedit.ReadFile(l.path)
	if err != nil {
		e.Problem = err
		return e, true
	}
	if !file.Exists {
		return e, false
	}
	value, ok, err := c.formatAt(l).syntax.Entry(file.Text, l.section, name)
	if err != nil {
		e.Problem = file.Fault(err)
		return e, true
	}
	if ok {
		e.Problem = c.formatAt(l).decode(value, &e)
	}
	return e, ok
}

// formatAt returns the format of the entries at l.
func (c *Client) formatAt(l location) format {
	if l.format != nil {
		return *l.format
	}
	return c.format
}
