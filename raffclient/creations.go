package raffclient

import (
	"context"
	"strings"
	"sync"
)

// creations records the creations of a Client, so that what one call created is not
// taken for the result of another call whose response was lost.
type creations struct {
	mu       sync.Mutex
	created  map[string]bool          // IDs from responses
	prefixes map[string]bool          // key prefixes from responses; true if the response lacked the ID
	reported map[string]bool          // IDs reported as the result of a lost request
	inFlight map[chan struct{}]string // requested names; a channel is closed when its attempt ends
}

func newCreations() *creations {
	return &creations{created: map[string]bool{}, prefixes: map[string]bool{}, reported: map[string]bool{}, inFlight: map[chan struct{}]string{}}
}

// begin records that an attempt to create something with that name is in flight
// until end is called.
func (c *creations) begin(name string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ended := make(chan struct{})
	c.inFlight[ended] = name
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		close(ended)
		delete(c.inFlight, ended)
	}
}

// wait waits for the attempts that are in flight now to end: for all of them, or
// only for those with a similar name.
func (c *creations) wait(ctx context.Context, all bool, name string) error {
	c.mu.Lock()
	var ended []chan struct{}
	for e, other := range c.inFlight {
		if all || similarNames(name, other) {
			ended = append(ended, e)
		}
	}
	c.mu.Unlock()
	for _, e := range ended {
		select {
		case <-e:
		case <-ctx.Done():
			return &Error{kind: ErrNotSent, Message: "timed out waiting for other creations to end", cause: ctx.Err()}
		}
	}
	return nil
}

// addCreated records that a response named m.
func (c *creations) addCreated(m Candidate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID != "" {
		c.created[strings.ToLower(m.ID)] = true
	}
	if len(prefixBody(m.Prefix)) >= KeyPrefixLength-len("raff_") {
		c.prefixes[m.Prefix] = c.prefixes[m.Prefix] || m.ID == ""
	}
}

// addReported records that m was reported as the result of a lost request.
func (c *creations) addReported(m Candidate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.ID != "" {
		c.reported[m.ID] = true
	}
}

// accountsFor reports whether it is known which call created m. A candidate that was
// reported earlier counts only if its name differs from the requested one. Prefixes are
// compared only if one of the two IDs is unknown, because an API may show the same prefix
// for every key.
func (c *creations) accountsFor(m match) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	withoutID, known := c.prefixes[m.Prefix]
	return c.created[strings.ToLower(m.ID)] || known && (withoutID || m.ID == "") || !m.similar && c.reported[m.ID]
}
