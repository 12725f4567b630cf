package sandbox

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// apiKeyRoutes returns the operations on API keys. The documentation lists the permissions,
// but not which operation requires which; their names suggest it.
func apiKeyRoutes() []route {
	return []route{
		{id: "listApiKeys", method: "GET", path: "/api/v1/api-keys", permission: "account.apikeys.view", handle: (*API).listAPIKeys},
		{id: "createApiKey", method: "POST", path: "/api/v1/api-keys", permission: "account.apikeys.create", status: http.StatusCreated, handle: withBody((*API).createAPIKey)},
		{id: "getApiKey", method: "GET", path: "/api/v1/api-keys/{id}", permission: "account.apikeys.view", handle: on((*API).findAPIKey, (*API).getAPIKey)},
		{id: "updateApiKey", method: "PATCH", path: "/api/v1/api-keys/{id}", permission: "account.apikeys.manage", handle: onWithBody((*API).findAPIKey, (*API).updateAPIKey)},
		{id: "revokeApiKey", method: "DELETE", path: "/api/v1/api-keys/{id}", permission: "account.apikeys.revoke", handle: on((*API).findAPIKey, (*API).revokeAPIKey)},
		{id: "regenerateApiKey", method: "POST", path: "/api/v1/api-keys/{id}/regenerate", permission: "account.apikeys.manage", handle: on((*API).findAPIKey, (*API).regenerateAPIKey)},
	}
}

// apiKey is a key as the API stores it. The API does not store the secret itself.
type apiKey struct {
	publicAPIKey
	hash    [sha256.Size]byte
	revoked bool
	usage   usage
}

// publicAPIKey is a key as responses contain it.
type publicAPIKey struct {
	ID              string          `json:"id"`
	AccountID       string          `json:"account_id"`
	Name            string          `json:"name"`
	KeyPrefix       string          `json:"key_prefix"`
	Scope           string          `json:"scope"`
	RateLimitTier   string          `json:"rate_limit_tier"`
	ExpiresAt       time.Time       `json:"expires_at,omitzero"`
	LastUsedAt      time.Time       `json:"last_used_at,omitzero"`
	IsActive        bool            `json:"is_active"`
	RoleID          string          `json:"role_id,omitempty"`
	RoleName        string          `json:"role_name,omitempty"`
	RoleSlug        string          `json:"role_slug,omitempty"`
	ProjectAccesses []projectAccess `json:"project_accesses"`
	CreatedBy       string          `json:"created_by"`
	CreatedAt       time.Time       `json:"created_at"`
}

// projectAccess is the role of a key in a project.
type projectAccess struct {
	ProjectID   string `json:"project_id"`
	ProjectName string `json:"project_name"`
	RoleID      string `json:"role_id"`
	RoleName    string `json:"role_name"`
	RoleSlug    string `json:"role_slug"`
}

// apiKeyWithSecret is a key in the responses that contain its secret.
type apiKeyWithSecret struct {
	publicAPIKey
	Secret string `json:"secret"`
}

// Key is an API key as Keys returns it. A zero time means never.
type Key struct {
	ID, Name, Prefix  string
	RateLimitTier     string
	RoleID            string
	Active, Revoked   bool
	CreatedBy         string
	CreatedAt         time.Time
	ExpiresAt, UsedAt time.Time
}

// Keys returns all keys in the order of creation, including revoked keys, which no
// response contains.
func (a *API) Keys() []Key {
	a.mu.Lock()
	defer a.mu.Unlock()
	return convert(a.keys, func(k *apiKey) Key {
		return Key{
			ID:            k.ID,
			Name:          k.Name,
			Prefix:        k.KeyPrefix,
			RateLimitTier: k.RateLimitTier,
			RoleID:        k.RoleID,
			Active:        k.IsActive,
			Revoked:       k.revoked,
			CreatedBy:     k.CreatedBy,
			CreatedAt:     k.CreatedAt,
			ExpiresAt:     k.ExpiresAt,
			UsedAt:        k.LastUsedAt,
		}
	})
}

func (a *API) listAPIKeys(c call) (any, error) {
	if _, err := c.choice("scope", "public"); err != nil { // every key is
		return nil, err
	}
	listed := a.keys.filter(func(k *apiKey) bool { return !k.revoked })
	return paginate(c, convert(listed, a.describe), 50)
}

func (a *API) getAPIKey(_ call, key *apiKey) (any, error) { return withData(a.describe(key)), nil }

// createAPIKeyRequest is the body of createApiKey.
type createAPIKeyRequest struct {
	keySettings
	RoleID *string `json:"role_id"`
}

func (r createAPIKeyRequest) validate(now time.Time) error {
	return cmp.Or(required("name", r.Name), r.keySettings.validate(now))
}

// createAPIKey creates a key. It is not documented that names are unique, so two keys may
// have the same name.
func (a *API) createAPIKey(c call, body createAPIKeyRequest) (any, error) {
	roleID, err := a.roleID(body.RoleID, "account")
	if err != nil {
		return nil, err
	}
	key := newAPIKey(body.keySettings, roleID, c.key.CreatedBy, c.now)
	secret := key.newSecret()
	a.keys = append(a.keys, key)
	return withData(apiKeyWithSecret{a.describe(key), secret}), nil
}

// updateAPIKeyRequest is the body of updateApiKey.
type updateAPIKeyRequest struct {
	keySettings
	IsActive *bool `json:"is_active"`
}

func (r updateAPIKeyRequest) validate(now time.Time) error {
	if r == (updateAPIKeyRequest{}) {
		return badRequest("at least one field is required")
	}
	return r.keySettings.validate(now)
}

func (a *API) updateAPIKey(_ call, key *apiKey, body updateAPIKeyRequest) (any, error) {
	body.apply(&key.publicAPIKey)
	if body.IsActive != nil {
		key.IsActive = *body.IsActive
	}
	return withData(a.describe(key)), nil
}

// revokeAPIKey revokes a key, which may be the one that authenticates the request. The key
// is then not found, and no longer a member, which is not documented.
func (a *API) revokeAPIKey(_ call, key *apiKey) (any, error) {
	key.revoked = true
	a.members.remove(func(m *member) bool { return m.keyID == key.ID })
	return withMessage("API key revoked"), nil
}

// regenerateAPIKey gives a key a new secret and changes nothing else. The documentation
// contradicts itself about the expiry; the page of this operation says that it stays.
func (a *API) regenerateAPIKey(_ call, key *apiKey) (any, error) {
	secret := key.newSecret()
	return withData(apiKeyWithSecret{a.describe(key), secret}), nil
}

// keySettings are the fields that can be set when a key is created and changed later.
type keySettings struct {
	Name          *string    `json:"name"`
	RateLimitTier *string    `json:"rate_limit_tier"`
	ExpiresAt     *time.Time `json:"expires_at"`
}

// validate checks the documented limits. It also requires that expires_at is in the future,
// which is not documented, because to create an expired key is a mistake.
func (s keySettings) validate(now time.Time) error {
	var expiry error
	if s.ExpiresAt != nil && (!s.ExpiresAt.After(now) || s.ExpiresAt.UTC().Year() > 9999) {
		expiry = badRequest("expires_at must be in the future, before the year 10000")
	}
	return cmp.Or(checkName(s.Name, 128), checkOneOf("rate_limit_tier", s.RateLimitTier, "standard", "high"), expiry)
}

func (s keySettings) apply(k *publicAPIKey) {
	if s.Name != nil {
		k.Name = *s.Name
	}
	if s.RateLimitTier != nil {
		k.RateLimitTier = *s.RateLimitTier
	}
	if s.ExpiresAt != nil {
		k.ExpiresAt = s.ExpiresAt.UTC()
	}
}

// newAPIKey returns a key without a secret. It is not documented who is the creator of a
// resource that was created with a key; here it is the creator of that key.
func newAPIKey(s keySettings, roleID, userID string, now time.Time) *apiKey {
	key := &apiKey{publicAPIKey: publicAPIKey{
		ID:            uuid.NewString(),
		AccountID:     AccountID,
		Scope:         "public",
		RateLimitTier: "standard",
		IsActive:      true,
		RoleID:        roleID,
		CreatedBy:     userID,
		CreatedAt:     seconds(now),
	}}
	s.apply(&key.publicAPIKey)
	return key
}

// newSecret gives the key a new secret and returns it.
func (k *apiKey) newSecret() string {
	var value [32]byte
	_, _ = rand.Read(value[:]) // never fails
	secret := "raff_" + hex.EncodeToString(value[:])
	k.hash = sha256.Sum256([]byte(secret))
	k.KeyPrefix = secret[:len("raff_")+8]
	k.LastUsedAt = time.Time{}
	return secret
}

// findAPIKey returns the key whose ID is in the path. For an ID that is not a UUID, the error
// is 404, too: no other is documented for these operations.
func (a *API) findAPIKey(c call) (*apiKey, error) {
	key, ok := a.key(c.PathValue("id"))
	if !ok {
		return nil, notFound("API key not found")
	}
	return key, nil
}

// key returns the key with that ID, in any spelling, unless it is revoked.
func (a *API) key(sent string) (*apiKey, bool) {
	id, _ := parseID(sent)
	return a.keys.find(func(k *apiKey) bool { return k.ID == id && !k.revoked })
}

// describe returns a key as responses contain it, with the current names of its roles,
// including those of suspended memberships.
func (a *API) describe(key *apiKey) publicAPIKey {
	k := key.publicAPIKey
	if r, ok := a.role(k.RoleID); ok {
		k.RoleName, k.RoleSlug = r.Name, r.Slug
	}
	k.ProjectAccesses = []projectAccess{}
	for _, m := range a.members {
		if m.keyID == k.ID && m.projectID != "" {
			k.ProjectAccesses = append(k.ProjectAccesses, a.access(m))
		}
	}
	return k
}

// access returns the role of a key in a project as responses contain it.
func (a *API) access(m *member) projectAccess {
	access := projectAccess{ProjectID: m.projectID, RoleID: m.roleID}
	if p, ok := a.project(m.projectID); ok {
		access.ProjectName = p.Name
	}
	if r, ok := a.role(m.roleID); ok {
		access.RoleName, access.RoleSlug = r.Name, r.Slug
	}
	return access
}

// seconds returns t as responses contain it. The documentation's examples have no
// fractions of a second, so a client must not rely on them.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
