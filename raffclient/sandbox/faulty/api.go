// Package faulty makes a handler fail on request, for tests of its clients. A
// Handler wraps any http.Handler; an API wraps a sandbox and adds the methods of a
// Handler to those of the sandbox:
//
//	api := faulty.Wrap(sandbox.New())
//	api.Fail(faulty.Fault{Method: "POST", Cut: true, After: true})
//	client := http.Client{Transport: api.Transport()}
//
// Both serve requests over a socket, as an http.Handler, or in process, through
// Transport, which also works inside testing/synctest. Fail injects faults and delays,
// Record and Requests record requests, Watch reports each exchange.
package faulty

import (
	"net/http"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// API is a sandbox behind a Handler. Create one with Wrap. It is safe for concurrent use.
type API struct {
	*sandbox.API
	*Handler
}

// Wrap returns an API that serves requests with api.
func Wrap(api *sandbox.API) *API { return &API{api, New(api)} }

// ServeHTTP responds as the sandbox does, or as the injected faults say.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.Handler.ServeHTTP(w, r) }

// Transport returns the RoundTripper of the Handler.
func (a *API) Transport() http.RoundTripper { return a.Handler.Transport() }

// SetClock sets the clock of the sandbox and of the Handler. Nil is time.Now. Delays
// do not follow it.
func (a *API) SetClock(now func() time.Time) {
	a.API.SetClock(now)
	a.Handler.SetClock(now)
}
