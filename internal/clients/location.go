package clients

// A location is a place for entries in one of a client's files.
type location struct {
	scope   Scope
	path    string
	section []string // the names of the objects or tables that contain the entries
	use     use
	format  *format // of the entries, nil if it is the client's
}

// A use says when a location is written.
type use int

const (
	always   use = iota // if there is no file yet, too
	ifExists            // if its file exists
	never               // it is only read
)

// location returns the location that is written for a scope: the first that contains the
// entry, or else the first whose file exists, or else the first that may be created.
func (c *Client) location(d dirs, scope Scope, name string) location {
	var existing, created []location
	for _, l := range c.locations(d) {
		switch {
		case l.scope != scope || l.use == never:
		case !exists(l.path):
			if l.use == always {
				created = append(created, l)
			}
		default:
			if _, ok := c.entry(l, name); ok {
				return l
			}
			existing = append(existing, l)
		}
	}
	return append(existing, created...)[0] // each client has one for each of its scopes
}
