package clients

// A location is a place for entries in one of a client's files.
type location struct {
	scope   Scope
	path    string
	section []string // the names of the objects or tables that contain the entries
	use     use
}

// A use says when a location is written.
type use int

const (
	always   use = iota // if there is no file yet, too
	ifExists            // if its file exists
	never               // it is only read
)

// location returns the location that is written for a scope: the first whose file exists,
// or else the first that may be created.
func (c *Client) location(d dirs, scope Scope) location {
	var created *location
	for _, l := range c.locations(d) {
		switch {
		case l.scope != scope || l.use == never:
		case exists(l.path):
			return l
		case l.use == always && created == nil:
			created = &l
		}
	}
	return *created // each client has one for each of its scopes
}
