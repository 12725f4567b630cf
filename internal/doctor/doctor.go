// Package doctor finds out why a client cannot use its server, or that it can.
//
// [Run] starts the server of each [Entry] as the client would, speaks MCP with it, and
// then has the program look at itself in the same environment, by running it with the
// same arguments and "doctor --self". [Self] is that second part: it checks what MCP does
// not show, such as the modes of files and the delivery of secrets.
//
// Nothing in an account or in a client's configuration is changed. What servers and
// commands print is untrusted: it is bounded, and shown on single lines without control
// characters and without keys.
package doctor

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/config"
)

// An Entry is an entry for a server in the configuration of a client.
type Entry struct {
	Client string // "claude-code"; "" if no client is involved
	Title  string // "Claude Code"
	Scope  string // "user" or "project", or "" if the client has only one
	File   string // that contains the entry
	Name   string // of the entry

	// Launch is how the client starts the server. It is not used if Problem is set.
	Launch Launch
	// Withheld are the names of the variables of this environment that the client does
	// not pass on.
	Withheld []string
	// Unexpanded are the placeholders for which the client has no value: "${RAFF_API_KEY}".
	Unexpanded []string

	// Problem says in two sentences why the client does not start the server, and what to do
	// about it; nil if it does.
	Problem error
	// Shadow is the file with the entry that the client prefers to this one here; "" if it
	// uses this one.
	Shadow string
}

// A Launch is how a client starts its server.
type Launch struct {
	Command string
	Args    []string
	Env     []string // the whole environment, as in os.Environ
	Dir     string   // the working directory; "" is that of this process
}

// Config configures Run. The zero value of a limit selects its default.
type Config struct {
	// Version, Revision and Executable are those of this program. Revision is the commit
	// that it was built from, or "" if that is not known.
	Version, Revision, Executable string
	// Settings are the settings of the program, whose variables are recognized.
	Settings []config.Setting
	// Rehearse delivers a made-up secret as each server is configured to.
	Rehearse bool

	// Handshake is how long a server may take to respond to initialize and to
	// tools/list. Default: 30 s, as for the clients.
	Handshake time.Duration
	// Call is how long the server may take to say who it is, and the program to look at
	// itself. Default: 90 s, which is enough for the API's time limits.
	Call time.Duration
	// Exit is how long a server may take to exit after its input has ended.
	// Default: 10 s.
	Exit time.Duration
}

func (c Config) withDefaults() Config {
	c.Handshake = cmp.Or(c.Handshake, 30*time.Second)
	c.Call = cmp.Or(c.Call, 90*time.Second)
	c.Exit = cmp.Or(c.Exit, 10*time.Second)
	return c
}

// atOnce is how many entries are checked at the same time.
const atOnce = 4

// Run checks the entries and calls done with each result, in the order of the entries.
// It leaves no processes behind. If ctx ends, the servers are killed and the remaining
// checks fail.
func Run(ctx context.Context, cfg Config, entries []Entry, done func(Result)) {
	cfg = cfg.withDefaults()
	limit := atOnce
	if cfg.Rehearse { // a command may ask the user something, one at a time
		limit = 1
	}
	sem := make(chan struct{}, limit)
	results := make([]Result, len(entries))
	ready := make([]chan struct{}, len(entries))
	var all sync.WaitGroup
	for i := range entries {
		ready[i] = make(chan struct{})
	}
	all.Go(func() {
		for i, e := range entries {
			sem <- struct{}{}
			all.Go(func() {
				defer func() { <-sem }()
				results[i] = cfg.examine(ctx, e)
				close(ready[i])
			})
		}
	})
	for i := range entries {
		<-ready[i]
		done(results[i])
	}
	all.Wait()
}

// examine checks one entry.
func (c Config) examine(ctx context.Context, e Entry) Result {
	r := newResult(e)
	if e.Problem != nil {
		what, fix := splitMessage(clean(e.Problem.Error()))
		r.fail("entry", what, fix)
		r.skip(append([]string{"command"}, serverChecks...)...)
		r.skip(selfChecks...)
		return r
	}
	switch {
	case e.Client == "":
	case e.Shadow != "":
		r.pass("entry", "found; in this directory, %s uses the one in %s instead", e.Title, clean(e.Shadow))
	default:
		r.pass("entry", "%s starts %s", e.Title, clean(e.Launch.Command))
	}
	path, ok := checkCommand(&r, e.Launch)
	if !ok {
		c.checkPlaceholders(&r, e, server{})
		r.skip(serverChecks...)
		r.skip(selfChecks...)
		return r
	}
	s := c.examineServer(ctx, &r, e.Launch, path)
	c.checkPlaceholders(&r, e, s)
	c.checkWithheld(&r, e, s)
	if s.isThisVersion || isSameFile(path, c.Executable) {
		s.log += c.examineSelf(ctx, &r, e.Launch, path)
	} else {
		r.skip(selfChecks...)
	}
	checkLog(&r, s.log)
	return r
}
