package sandbox

import (
	"crypto/sha256"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// keyFormat is the format of a key.
var keyFormat = regexp.MustCompile(`^raff_[0-9a-f]{64}$`)

// admit authenticates and authorizes a request: its key must be valid and within its
// rate limit, X-Project-ID must be present if it is required, and must name a project
// that the key can reach if it is present, and the key's role must have the permission.
// It updates the last use of the key.
func (a *API) admit(c call, rt route) (*apiKey, error) {
	key, err := a.authenticate(c.Header.Get("X-API-Key"), c.now)
	if err != nil {
		return nil, err
	}
	if err := a.limit(c, key); err != nil {
		return nil, err
	}
	// The documentation does not say what counts as a use. Here it is every request
	// that the rate limiter admits, including one that is then refused.
	key.LastUsedAt = seconds(c.now)
	c.key = key
	if err := a.checkProjectID(c); err != nil {
		return nil, err
	}
	return key, a.authorize(c, rt)
}

// checkProjectID refuses an X-Project-ID that names no project that the key can reach.
// It does so on every request: the documentation says so for reads and leaves writes
// open. A key can reach the projects in which it has a permission. That a role in the
// account lets it list a project is not enough.
func (a *API) checkProjectID(c call) error {
	sent := c.Header.Get("X-Project-ID")
	if sent == "" {
		if a.requireProjectID && c.Method != http.MethodGet {
			return badRequest("X-Project-ID required") // the documented message
		}
		return nil
	}
	id, _ := parseID(sent)
	if p, ok := a.project(id); !ok || len(a.permissionsIn(c.key, p)) == 0 {
		return &apiError{status: http.StatusForbidden, message: "X-Project-ID names no project that this key can reach"}
	}
	return nil
}

// authorize returns an error if the key's roles do not allow the operation. A permission
// in the account does not count in a project, and vice versa.
func (a *API) authorize(c call, rt route) error {
	if rt.permission == "" || rt.orGrant && a.hasGrants(c.key) {
		return nil
	}
	held := a.permissions(c.key)
	if !strings.HasPrefix(rt.permission, "account.") {
		p, err := a.findVisibleProject(c)
		if err != nil {
			return err
		}
		held = a.permissionsIn(c.key, p)
	}
	if !slices.Contains(held, rt.permission) {
		return forbidden(rt.permission)
	}
	return nil
}

// authenticate returns the key with that secret, which must be valid now.
func (a *API) authenticate(secret string, now time.Time) (*apiKey, error) {
	if secret == "" {
		return nil, unauthorized("X-API-Key required")
	}
	if !keyFormat.MatchString(secret) {
		return nil, unauthorized("malformed API key")
	}
	hash := sha256.Sum256([]byte(secret))
	key, ok := a.keys.find(func(k *apiKey) bool { return k.hash == hash && !k.revoked })
	if !ok {
		return nil, unauthorized("unknown or revoked API key")
	}
	if !key.IsActive {
		return nil, unauthorized("API key is not active")
	}
	if !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt) {
		return nil, unauthorized("API key has expired")
	}
	return key, nil
}

// permissions returns the key's current permissions in the account: a change of its role
// applies to its next request. What a key without a role may do is not documented; here
// it is nothing, which is the stricter interpretation. A suspended membership keeps its role but
// grants nothing.
func (a *API) permissions(key *apiKey) []string {
	if m, ok := a.membership(key, ""); ok && m.status != "active" {
		return nil
	}
	return a.permissionsOf(key.RoleID)
}

// permissionsIn returns the key's current permissions in a project. The Owner has all
// permissions in every project.
func (a *API) permissionsIn(key *apiKey, p *project) []string {
	if key.RoleID == RoleID("owner") && len(a.permissions(key)) > 0 {
		return permissionNames("project")
	}
	if m, ok := a.membership(key, p.ID); ok && m.status == "active" {
		return a.permissionsOf(m.roleID)
	}
	return nil
}

func (a *API) permissionsOf(roleID string) []string {
	r, ok := a.role(roleID)
	if !ok {
		return nil
	}
	return r.Permissions
}

// canSee reports whether a project is visible to a key. It is documented that a key of
// the Owner lists all projects, and that a key that has only roles in projects lists
// those; here every key that may view the account's projects lists all.
func (a *API) canSee(key *apiKey, p *project) bool {
	if slices.Contains(a.permissions(key), "account.projects.view") {
		return true
	}
	m, ok := a.membership(key, p.ID)
	return ok && m.status == "active"
}

// hasGrants reports whether the key has a role in some project.
func (a *API) hasGrants(key *apiKey) bool {
	return a.members.contains(func(m *member) bool {
		return m.keyID == key.ID && m.projectID != "" && m.status == "active"
	})
}

// membership returns the key's membership of a project, or of the account. A role with
// which a key was created is not a membership: nothing says that such a key is listed.
func (a *API) membership(key *apiKey, projectID string) (*member, bool) {
	return a.members.find(func(m *member) bool { return m.keyID == key.ID && m.projectID == projectID })
}
