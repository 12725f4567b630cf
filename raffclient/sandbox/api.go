// Package sandbox is a Raff API that lives in memory: an account with its members,
// projects, roles and API keys, which answers as the documentation of the Raff API
// says. Make one with New, or with NewEmpty, and serve it, over a socket with
// http.ListenAndServe(addr, api) or in process with
// http.Client{Transport: api.Transport()}; the key to call it with is
// api.OwnerKey(). What one request changes, the next one sees, until the program
// ends; Keys, Roles, Projects, Members and RateLimited return the current state. SetClock,
// SetLimiter and the other setters choose between readings of the documentation. Where
// it is silent, the sandbox takes the reading that a careful client must be ready for,
// and the code says so. Package faulty adds failures, for tests.
package sandbox

import (
	"net/http"
	"sync"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// The account that every sandbox holds, and the user who owns it.
const (
	AccountID   = "6f1c2a54-8d0b-4a7e-9b3c-51e2d7f0a801"
	AccountName = "Meridian Labs"
	UserID      = "c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a602"
)

// API is a Raff API in memory. Make one with New. All methods may be called from
// several goroutines.
type API struct {
	mux   *http.ServeMux
	mu    sync.Mutex
	clock func() time.Time

	keys     table[*apiKey] // in the order of creation, the revoked ones too
	roles    table[*role]
	projects table[*project]
	members  table[*member] // of the account and of projects, in the order of creation
	ownerKey raffclient.Secret

	limiter          Limiter
	announceLimits   bool
	emptyDeletions   bool
	requireProjectID bool
	rateLimited      int
}

// New returns an API with a small account that has been in use for a while: members,
// projects, custom roles, and keys of every kind that somebody who looks after an
// account would look for. RoleID, ProjectID, KeyID, MemberID and InvitationID tell
// what there is. Its clock is time.Now, which inside testing/synctest is the
// bubble's; everything happened so long before New was called.
func New() *API {
	a := newAPI()
	now := a.now()
	a.roles = append(systemRoles(now.Add(-500*day)), customRoles(now)...)
	for _, s := range seededProjects() {
		a.projects = append(a.projects, s.make(now))
	}
	for _, s := range seededKeys() {
		a.addSeededKey(s, now)
	}
	for _, s := range seededMembers() {
		m := s.make(now)
		a.members = append(a.members, m)
		if key, ok := a.key(m.keyID); ok && m.projectID == "" {
			key.RoleID = m.roleID
		}
	}
	return a
}

// NewEmpty returns an API as New does, but with an account that is new: it has the
// owner, the owner's key, the system roles and the default project, all made now.
func NewEmpty() *API {
	a := newAPI()
	now := a.now()
	a.roles = systemRoles(now)
	p, key, m := seededProjects()[0], seededKeys()[0], seededMembers()[0]
	p.age, key.age, m.age = 0, 0, 0
	p.resources = 0
	a.projects = append(a.projects, p.make(now))
	a.addSeededKey(key, now)
	a.members = append(a.members, m.make(now))
	return a
}

// newAPI returns an API without an account.
func newAPI() *API {
	a := &API{clock: time.Now}
	a.mux = a.newMux()
	return a
}

// addSeededKey adds a key. Of the owner's it keeps the value.
func (a *API) addSeededKey(s seededKey, now time.Time) {
	key, secret := s.make(now)
	a.keys = append(a.keys, key)
	if s.handle == "owner" {
		a.ownerKey = raffclient.NewSecret(secret)
	}
}

// OwnerKey returns the value of the key that New made for the owner, which has the
// role Owner.
// Once that key is regenerated or revoked, the value is good for nothing.
func (a *API) OwnerKey() raffclient.Secret { return a.ownerKey }

// SetClock makes now tell the API's time: of creation, use and expiry, of the rate
// limiter and of the Date header. Nil is time.Now. now must not call the
// API.
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

// EmptyDeletions decides whether DELETE answers 204 without a body when it succeeds.
// It is documented to answer 200 with a message, which is what a new API does.
func (a *API) EmptyDeletions(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.emptyDeletions = on
}

// RateLimited returns how many requests the rate limiter refused.
func (a *API) RateLimited() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rateLimited
}

// now returns the API's time, in UTC. The caller holds the mutex or is New.
func (a *API) now() time.Time { return a.clock().UTC() }
