// Package sandbox is a Raff API that lives in memory: an account with one user,
// the system roles and one API key, which answers as the documentation of the
// Raff API says. Make one with New and serve it, over a socket with
// http.ListenAndServe(addr, api) or in process with
// http.Client{Transport: api.Transport()}; the key to call it with is
// api.OwnerKey(). What one request changes, the next one sees, until the program
// ends. Tests set the clock (SetClock), order misbehaviour (Fail) and look at what
// happened (Keys, Requests, RateLimited). Where the documentation is silent, the
// sandbox takes the reading that a careful client must be ready for, and the code
// says so.
package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// The account that every sandbox holds, and its one user.
const (
	AccountID = "6f1c2a54-8d0b-4a7e-9b3c-51e2d7f0a801"
	UserID    = "c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a602"
)

// API is a Raff API in memory. Make one with New. All methods may be called from
// several goroutines.
type API struct {
	mu    sync.Mutex
	clock func() time.Time

	keys     []*apiKey // in the order of creation, the revoked ones too
	roles    []*role
	ownerKey string

	announceLimits   bool
	requireProjectID bool
	rateLimited      int

	faults    []*ordered
	recording bool
	requests  []*Request
}

// New returns an API with an account that has the system roles and one key, the
// owner's. Its clock is time.Now, which inside testing/synctest is the bubble's.
func New() *API {
	a := &API{clock: time.Now}
	now := a.now()
	a.roles = systemRoles(now)
	a.ownerKey = a.addAPIKey(keySettings{Name: new("Owner")}, RoleID("owner"), UserID, now).Secret
	return a
}

// OwnerKey returns the value of the key that New made, which has the role Owner.
// Once that key is regenerated or revoked, the value is good for nothing.
func (a *API) OwnerKey() string { return a.ownerKey }

// SetClock makes now tell the API's time: of creation, use and expiry, of the rate
// limiter and of the Date header. Nil is time.Now. Delays that Fail orders are
// real waits and do not follow it. now must not call the API.
func (a *API) SetClock(now func() time.Time) {
	if now == nil {
		now = time.Now
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock = now
}

// AnnounceLimits decides whether every answer to a valid key, and not only a 429,
// has X-RateLimit-Limit and X-RateLimit-Remaining. The documentation does not say;
// a new API does not.
func (a *API) AnnounceLimits(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.announceLimits = on
}

// RequireProjectID decides whether requests that change something are refused
// without X-Project-ID. The documentation says so in one place and contradicts it
// in others; a new API does not.
func (a *API) RequireProjectID(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requireProjectID = on
}

// RateLimited returns how many requests the rate limiter refused.
func (a *API) RateLimited() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rateLimited
}

// now returns the API's time, in UTC. The caller holds the mutex or is New.
func (a *API) now() time.Time { return a.clock().UTC() }

// date returns the API's time as the Date header has it.
func (a *API) date() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now().Format(http.TimeFormat)
}
