// Package sandbox implements the Raff API in memory, with an account that has members,
// projects, roles and API keys. It responds as the documentation of the Raff API says.
//
// Create an API with New or NewEmpty. Serve it over a socket with
// http.ListenAndServe(addr, api), or in process with
// http.Client{Transport: api.Transport()}. OwnerKey returns the key to call it with.
//
// Keys, Roles, Projects, Members and ProjectMembers return the state. If the documentation
// does not describe a behavior or contradicts itself, the sandbox behaves in a way that a
// careful client must be prepared for, and a comment says so; SetLimiter, AnnounceLimits,
// RequireProjectID and EmptyDeletions select other interpretations.
//
// Package faulty adds faults and the recording of requests, for tests.
package sandbox

import (
	"net/http"
	"sync"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// The account in every sandbox, and the user who owns it.
const (
	AccountID   = "6f1c2a54-8d0b-4a7e-9b3c-51e2d7f0a801"
	AccountName = "Meridian Labs"
	UserID      = "c2b9e7d3-17f4-4c58-8a6d-0f93b4e5a602"
)

// API is a Raff API in memory. Create one with New or NewEmpty. It is safe for concurrent
// use.
type API struct {
	mux   *http.ServeMux
	mu    sync.Mutex
	clock func() time.Time

	keys     table[*apiKey] // including revoked keys
	roles    table[*role]
	projects table[*project]
	members  table[*member] // of the account and of projects
	ownerKey raffclient.Secret

	limiter          Limiter
	announceLimits   bool
	emptyDeletions   bool
	requireProjectID bool
	rateLimited      int
}

// New returns an API with a small account that has been in use for a while: it has
// members, projects, custom roles, and keys with every problem that an administrator would
// look for. RoleID, ProjectID, KeyID, MemberID, InvitationID and UserIDOf list them and
// return their IDs. All times of creation and use are relative to the call of New.
//
// The clock of the API is time.Now, which inside testing/synctest is that of the bubble.
func New() *API {
	a := newAPI()
	now := a.now()
	a.roles = append(systemRoles(now.Add(-500*day)), customRoles(now)...)
	for _, s := range seededProjects() {
		a.projects = append(a.projects, s.create(now))
	}
	for _, s := range seededKeys() {
		a.addSeededKey(s, now)
	}
	for _, s := range seededMembers() {
		m := s.create(now)
		a.members = append(a.members, m)
		if key, ok := a.key(m.keyID); ok && m.projectID == "" {
			key.RoleID = m.roleID
		}
	}
	return a
}

// NewEmpty returns an API with a new account: it has the owner, the owner's key, the
// system roles and the default project, all created now.
func NewEmpty() *API {
	a := newAPI()
	now := a.now()
	a.roles = systemRoles(now)
	p, key, m := seededProjects()[0], seededKeys()[0], seededMembers()[0]
	p.age, key.age, m.age = 0, 0, 0
	p.resources = 0
	a.projects = append(a.projects, p.create(now))
	a.addSeededKey(key, now)
	a.members = append(a.members, m.create(now))
	return a
}

// newAPI returns an API without an account.
func newAPI() *API {
	a := &API{clock: time.Now}
	a.mux = a.newMux()
	return a
}

// addSeededKey adds a key. It keeps the secret of the owner's key.
func (a *API) addSeededKey(s seededKey, now time.Time) {
	key, secret := s.create(now)
	a.keys = append(a.keys, key)
	if s.handle == "owner" {
		a.ownerKey = raffclient.NewSecret(secret)
	}
}

// OwnerKey returns the secret of the key that New created for the owner. The key has the
// role Owner. The secret is invalid once that key is regenerated or revoked.
func (a *API) OwnerKey() raffclient.Secret { return a.ownerKey }

// SetClock sets the clock of the API, which determines times of creation, use and expiry,
// the rate limiter and the Date header. Nil means time.Now. now must not call the API.
func (a *API) SetClock(now func() time.Time) {
	if now == nil {
		now = time.Now
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock = now
}

// AnnounceLimits sets whether every response to a request with a valid key, and not only
// a 429, has X-RateLimit-Limit and X-RateLimit-Remaining. The documentation does not say.
// The default is false.
func (a *API) AnnounceLimits(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.announceLimits = on
}

// RequireProjectID sets whether requests other than GET are refused without X-Project-ID.
// The documentation says so in one place and contradicts it in others. The default is
// false.
func (a *API) RequireProjectID(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requireProjectID = on
}

// EmptyDeletions sets whether a successful DELETE responds with 204 and no body. The
// documented response is 200 with a message. The default is false.
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

// now returns the time in UTC. The caller holds the mutex, or has just created the API.
func (a *API) now() time.Time { return a.clock().UTC() }
