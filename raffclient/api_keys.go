package raffclient

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"time"
)

// APIKey is an API key without its secret. A field that the API did not send is empty.
type APIKey struct {
	ID              string          `json:"id,omitempty"`
	AccountID       string          `json:"account_id,omitempty"`
	Name            string          `json:"name,omitempty"`
	KeyPrefix       string          `json:"key_prefix,omitempty"` // the first KeyPrefixLength characters of the secret
	Scope           string          `json:"scope,omitempty"`
	RateLimitTier   string          `json:"rate_limit_tier,omitempty"` // "standard" or "high"
	ExpiresAt       Timestamp       `json:"expires_at,omitempty"`      // "" if it never expires; see Timestamp
	LastUsedAt      Timestamp       `json:"last_used_at,omitempty"`    // "" if it was never used; see Timestamp
	Active          *bool           `json:"is_active,omitempty"`       // nil: unknown
	RoleID          string          `json:"role_id,omitempty"`         // of the account role
	RoleName        string          `json:"role_name,omitempty"`
	RoleSlug        string          `json:"role_slug,omitempty"`
	ProjectAccesses []ProjectAccess `json:"project_accesses,omitempty"`
	CreatedBy       string          `json:"created_by,omitempty"` // a user's ID
	CreatedAt       Timestamp       `json:"created_at,omitempty"`
	Unreadable      []string        `json:"unreadable,omitempty"` // JSON names of fields that the API sent with an unexpected type; their values are unknown
}

// ProjectAccess is the role that a key has in one project.
type ProjectAccess struct {
	ProjectID   string `json:"project_id,omitempty"`
	ProjectName string `json:"project_name,omitempty"`
	RoleID      string `json:"role_id,omitempty"`
	RoleName    string `json:"role_name,omitempty"`
	RoleSlug    string `json:"role_slug,omitempty"`
}

// APIKeyWithSecret is a new or regenerated key with its secret, which the API shows
// only once. Any field but the secret may be missing.
type APIKeyWithSecret struct {
	APIKey
	Secret Secret `json:"secret"`
}

// texts returns the strings in k that come from the API.
func (k *APIKey) texts() []*string {
	all := []*string{
		&k.ID, &k.AccountID, &k.Name, &k.KeyPrefix, &k.Scope, &k.RateLimitTier, (*string)(&k.ExpiresAt), (*string)(&k.LastUsedAt),
		&k.RoleID, &k.RoleName, &k.RoleSlug, &k.CreatedBy, (*string)(&k.CreatedAt),
	}
	for i := range k.ProjectAccesses {
		a := &k.ProjectAccesses[i]
		all = append(all, &a.ProjectID, &a.ProjectName, &a.RoleID, &a.RoleName, &a.RoleSlug)
	}
	return all
}

// Prefix returns the public prefix by which lists show the key: KeyPrefix, or else
// the beginning of the secret.
func (k APIKeyWithSecret) Prefix() string {
	if k.KeyPrefix == "" && k.Secret.value != nil && len(*k.Secret.value) > KeyPrefixLength {
		return k.Secret.prefix()
	}
	return k.KeyPrefix
}

// CreateAPIKeyRequest describes a new key.
type CreateAPIKeyRequest struct {
	// Name has 1 to 128 characters and need not be unique.
	Name string `json:"name"`
	// RateLimitTier is "standard" (30 requests per second) or "high" (100), which
	// requires approval by Raff's support. Default: "standard".
	RateLimitTier string `json:"rate_limit_tier,omitempty"`
	// ExpiresAt is when the key stops working. Default: never.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// RoleID is the account role of the key. Default: none.
	RoleID string `json:"role_id,omitempty"`
}

// UpdateAPIKeyRequest changes a key. At least one field must be set; the others are
// left unchanged. The API documents no way to remove an expiry or to change the role.
type UpdateAPIKeyRequest struct {
	Name          string     `json:"name,omitempty"`
	RateLimitTier string     `json:"rate_limit_tier,omitempty"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	Active        *bool      `json:"is_active,omitempty"`
}

// CreateAPIKey creates a key. The API never shows its secret again.
//
// A creation that was sent is completed even if ctx is cancelled; a caller that no
// longer wants the key must revoke it. If the response is lost, the error is an
// *OutcomeError, which names the key that may have been created. Any other error
// means that no key was created.
//
// POST /api/v1/api-keys
func (c *Client) CreateAPIKey(ctx context.Context, r CreateAPIKeyRequest) (APIKeyWithSecret, error) {
	return create(ctx, c, creation[APIKeyWithSecret, APIKey]{
		request:  request{method: "POST", path: []string{"api-keys"}, body: r},
		resource: "API key",
		name:     r.Name,
		candidate: func(k APIKeyWithSecret) (Candidate, bool) {
			m := k.candidate()
			m.Prefix = k.Prefix()
			return m, !k.Secret.IsZero()
		},
		decode:        decodeKey,
		acceptFailure: true, // a secret that was sent must not be lost
		list:          apiKeys(),
		match:         func(k APIKey) (Candidate, bool) { return k.candidate(), similarNames(r.Name, k.Name) },
	})
}

func (k APIKey) candidate() Candidate {
	return Candidate{ID: k.ID, Name: k.Name, Prefix: k.KeyPrefix, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}
}

// APIKeys yields the account's keys. It reads a page when the caller needs it. An error ends the sequence; ErrListIncomplete means that keys are missing.
//
// GET /api/v1/api-keys
func (c *Client) APIKeys(ctx context.Context) iter.Seq2[APIKey, error] {
	return allItems(pages(ctx, c, apiKeys()))
}

func apiKeys() listing[APIKey] { return listing[APIKey]{path: []string{"api-keys"}, id: APIKey.id} }

// GetAPIKey returns the key with that ID, or ErrNotFound.
//
// GET /api/v1/api-keys/{id}
func (c *Client) GetAPIKey(ctx context.Context, id string) (APIKey, error) {
	key, _, err := c.getAPIKey(ctx, id)
	return key, err
}

func (c *Client) getAPIKey(ctx context.Context, id string) (APIKey, response, error) {
	return byID(ctx, c, request{method: "GET", path: []string{"api-keys", id}}, id, APIKey.id)
}

// RevokeAPIKey revokes a key permanently. Only key.ID is used. Like
// RegenerateAPIKey, it takes the key itself, so that callers read a key before they
// invalidate it.
//
// DELETE /api/v1/api-keys/{id}
func (c *Client) RevokeAPIKey(ctx context.Context, key APIKey) error {
	return c.remove(ctx, "api-keys", key.ID)
}

// RevokeCreatedAPIKey revokes a key that was just created, as CreateAPIKey returned
// it or an OutcomeError named it. It first reads the key, and revokes it only if its
// ID, name, prefix and age are those of the created key. If one of them differs or is
// unknown, it revokes nothing and returns ErrNotConfirmed.
//
// GET and DELETE /api/v1/api-keys/{id}
func (c *Client) RevokeCreatedAPIKey(ctx context.Context, created APIKeyWithSecret) error {
	notConfirmed := func(why string) error { return &Error{kind: ErrNotConfirmed, Message: why} }
	if created.ID == "" || strings.Contains(created.ID, redacted) {
		return notConfirmed("the API's response to the creation lacked its ID")
	}
	start := time.Now()
	key, res, err := c.getAPIKey(ctx, created.ID)
	if err != nil {
		return err
	}
	want := prefixBody(created.secretPrefix())
	at, dated := key.CreatedAt.Time()
	switch {
	case c.IsOwn(key) || c.MayBeOwn(key):
		return notConfirmed("it may be the key that this client itself uses")
	case !strings.EqualFold(key.ID, created.ID):
		return notConfirmed("the API does not show its ID")
	case created.Name != "" && !similarNames(created.Name, key.Name):
		return notConfirmed("it has another name")
	case len(want) < KeyPrefixLength-len("raff_") || !strings.Contains(prefixBody(key.KeyPrefix), want):
		return notConfirmed("it has another prefix")
	case dated && at.Before(serverTime(start, res.date).Add(-maxAgeSimilar)):
		return notConfirmed("it is older")
	case created.Secret.IsZero() && !sameMoment(key.CreatedAt, created.CreatedAt):
		// The prefix alone may be that of another key, which the response named.
		return notConfirmed("it was created at another time, or when is unknown")
	}
	return c.RevokeAPIKey(ctx, key)
}

// sameMoment reports whether a and b are known and the same, to the second.
func sameMoment(a, b Timestamp) bool {
	at, aOK := a.Time()
	bt, bOK := b.Time()
	return aOK && bOK && at.Sub(bt).Abs() < time.Second
}

// secretPrefix returns the public prefix of the secret, or KeyPrefix if there is no
// secret. After a creation, only the secret itself proves what its prefix is.
func (k APIKeyWithSecret) secretPrefix() string {
	if k.Secret.IsZero() {
		return k.KeyPrefix
	}
	return k.Secret.prefix()
}

// UpdateAPIKey changes the key with that ID and returns the changed key.
//
// PATCH /api/v1/api-keys/{id}
func (c *Client) UpdateAPIKey(ctx context.Context, id string, r UpdateAPIKeyRequest) (APIKey, error) {
	key, _, err := byID(ctx, c, request{method: "PATCH", path: []string{"api-keys", id}, body: r}, id, APIKey.id)
	return key, err
}

func (k APIKey) id() string { return k.ID }

func (k *APIKey) setUnreadable(fields []string) { k.Unreadable = fields }

// RegenerateAPIKey gives a key a new secret. The old one stops working immediately.
// key is the key as GetAPIKey returns it: besides its ID, its KeyPrefix is needed to
// find out whether a request took effect whose response was lost.
//
// Like a creation, a regeneration that was sent is completed even if ctx is
// cancelled. If the response is lost, the error is an *OutcomeError. If that has no
// LookupErr and Found is empty, the old secret still works.
//
// POST /api/v1/api-keys/{id}/regenerate
func (c *Client) RegenerateAPIKey(ctx context.Context, key APIKey) (APIKeyWithSecret, error) {
	lookUp := func(ctx context.Context) (now APIKey, changed bool, err error) {
		now, err = c.GetAPIKey(ctx, key.ID)
		if err == nil && (now.KeyPrefix == "" || key.KeyPrefix == "") {
			err = &Error{kind: ErrBadResponse, Message: "the API does not show the key's prefix"}
		}
		return now, now.KeyPrefix != key.KeyPrefix, err
	}
	regenerated, _, err := callWith(ctx, c, request{
		method: "POST", path: []string{"api-keys", key.ID, "regenerate"}, noReplay: true,
		hadNoEffect: func(ctx context.Context, proof bool) bool {
			ctx, cancel := c.lookupContext(ctx)
			defer cancel()
			_, changed, err := lookUp(ctx)
			return err != nil && !proof || err == nil && !changed
		},
	}, decodeKey)
	switch {
	case !regenerated.Secret.IsZero():
		regenerated.ID = key.ID
		return regenerated, nil
	case err == nil:
		err = &Error{Status: http.StatusOK, kind: ErrBadResponse, Message: "it does not contain a secret", ambiguous: true}
	}
	if !mayHaveSucceeded(err) {
		return APIKeyWithSecret{}, err
	}
	e := &OutcomeError{Cause: err, Resource: "API key", Name: key.Name}
	c.resolveOutcome(ctx, e, func(ctx context.Context) ([]Candidate, error) {
		now, changed, err := lookUp(ctx)
		if err != nil || !changed {
			return nil, err
		}
		m := now.candidate()
		m.Recent = true
		return []Candidate{m}, nil
	})
	return APIKeyWithSecret{}, c.report(e)
}
