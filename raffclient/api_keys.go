package raffclient

import (
	"context"
	"iter"
	"net/http"
	"strings"
	"time"
)

// Time is a moment as the API wrote it, normally in the form of RFC 3339; ""
// if there is none. It is kept as text so that an answer that carries a secret
// is never refused for a date that it carries too.
type Time string

// Time returns t as a time.Time, and whether it is one.
func (t Time) Time() (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, string(t))
	return at, err == nil
}

// APIKey is a key as the API shows it: everything but its secret.
type APIKey struct {
	ID              string          `json:"id,omitempty"`
	AccountID       string          `json:"account_id,omitempty"`
	Name            string          `json:"name,omitempty"`
	KeyPrefix       string          `json:"key_prefix,omitempty"` // the first 13 characters of the secret
	Scope           string          `json:"scope,omitempty"`
	RateLimitTier   string          `json:"rate_limit_tier,omitempty"` // "standard" or "high"
	ExpiresAt       Time            `json:"expires_at,omitempty"`      // "" if it never expires
	LastUsedAt      Time            `json:"last_used_at,omitempty"`    // "" if it was never used
	Active          *bool           `json:"is_active,omitempty"`       // nil if the API did not say
	RoleID          string          `json:"role_id,omitempty"`         // of the account role
	RoleName        string          `json:"role_name,omitempty"`
	RoleSlug        string          `json:"role_slug,omitempty"`
	ProjectAccesses []ProjectAccess `json:"project_accesses,omitempty"`
	CreatedBy       string          `json:"created_by,omitempty"` // a user's ID
	CreatedAt       Time            `json:"created_at,omitempty"`
}

// ProjectAccess is the role that a key has in one project.
type ProjectAccess struct {
	ProjectID   string `json:"project_id,omitempty"`
	ProjectName string `json:"project_name,omitempty"`
	RoleID      string `json:"role_id,omitempty"`
	RoleName    string `json:"role_name,omitempty"`
	RoleSlug    string `json:"role_slug,omitempty"`
}

// APIKeyWithSecret is a key together with its secret, which the API shows only
// here. Any field but the secret may be missing.
type APIKeyWithSecret struct {
	APIKey
	Secret Secret `json:"secret"`
}

// prefixLength is how much of a secret is its public prefix.
const prefixLength = len("raff_") + 8

// Prefix returns the public part of the key's secret, by which it can be found
// in lists: the one that the API gave, else the one that the secret begins
// with.
func (k APIKeyWithSecret) Prefix() string {
	if k.KeyPrefix == "" && k.Secret.value != nil && len(*k.Secret.value) > prefixLength {
		return (*k.Secret.value)[:prefixLength]
	}
	return k.KeyPrefix
}

// CreateAPIKeyRequest describes a new key.
type CreateAPIKeyRequest struct {
	// Name has 1 to 128 characters and need not be unique.
	Name string `json:"name"`
	// RateLimitTier is "standard" (30 requests a second) or "high" (100), which
	// Raff's support has to have approved. Default: "standard".
	RateLimitTier string `json:"rate_limit_tier,omitempty"`
	// ExpiresAt is when the key stops working; nil: never.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	// RoleID is the account role of the key; "" for none.
	RoleID string `json:"role_id,omitempty"`
}

// UpdateAPIKeyRequest changes a key; at least one field has to be set. There is no
// documented way back to a key that never expires, and none to change its role.
type UpdateAPIKeyRequest struct {
	Name          string     `json:"name,omitempty"`
	RateLimitTier string     `json:"rate_limit_tier,omitempty"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	Active        *bool      `json:"is_active,omitempty"`
}

// CreateAPIKey creates a key. Its secret is in the answer and can never be had
// again.
//
// A creation that has been sent is seen through even if ctx is cancelled; the
// caller who no longer wants the key has to revoke it. If the answer was lost,
// the error is an *OutcomeError (ErrOutcomeUnknown), which says which key may
// have been made. Every other error means that no key was made.
//
// POST /api/v1/api-keys
func (c *Client) CreateAPIKey(ctx context.Context, r CreateAPIKeyRequest) (APIKeyWithSecret, error) {
	return create(ctx, c, creation[APIKeyWithSecret, APIKey]{
		request:  request{method: "POST", path: []string{"api-keys"}, body: r},
		resource: "API key",
		name:     r.Name,
		made: func(k APIKeyWithSecret) (Made, bool) {
			m := k.made()
			m.Prefix = k.Prefix()
			return m, !k.Secret.Empty()
		},
		read:  decodeKey,
		list:  c.apiKeyPages,
		found: func(k APIKey) (Made, bool) { return k.made(), sameName(k.Name, r.Name) },
	})
}

func (k APIKey) made() Made {
	return Made{ID: k.ID, Name: k.Name, Prefix: k.KeyPrefix, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}
}

// APIKeys yields the account's keys. An error ends the sequence.
//
// GET /api/v1/api-keys
func (c *Client) APIKeys(ctx context.Context) iter.Seq2[APIKey, error] {
	return each(c.apiKeyPages(ctx))
}

func (c *Client) apiKeyPages(ctx context.Context) iter.Seq2[page[APIKey], error] {
	return pages(ctx, c, []string{"api-keys"}, func(k APIKey) string { return k.ID })
}

// GetAPIKey returns the key with that ID.
//
// GET /api/v1/api-keys/{id}
func (c *Client) GetAPIKey(ctx context.Context, id string) (APIKey, error) {
	key, _, err := call[APIKey](ctx, c, request{method: "GET", path: []string{"api-keys", id}})
	return key, err
}

// RevokeAPIKey revokes the key with that ID, for good.
//
// DELETE /api/v1/api-keys/{id}
func (c *Client) RevokeAPIKey(ctx context.Context, id string) error {
	_, _, err := call[struct{}](ctx, c, request{method: "DELETE", path: []string{"api-keys", id}})
	return err
}

// UpdateAPIKey changes the key with that ID and returns it as it is then.
//
// PATCH /api/v1/api-keys/{id}
func (c *Client) UpdateAPIKey(ctx context.Context, id string, r UpdateAPIKeyRequest) (APIKey, error) {
	key, _, err := call[APIKey](ctx, c, request{method: "PATCH", path: []string{"api-keys", id}, body: r})
	return key, err
}

// RegenerateAPIKey gives a key a new secret; the old one is void at once. key is
// the key as it is now, from GetAPIKey: its ID and KeyPrefix are used.
//
// Like CreateAPIKey it is seen through once it is sent, and a lost answer is an
// *OutcomeError: if Found is empty, the old secret is still good.
//
// POST /api/v1/api-keys/{id}/regenerate
func (c *Client) RegenerateAPIKey(ctx context.Context, key APIKey) (APIKeyWithSecret, error) {
	var renewed APIKeyWithSecret
	var bad *Error
	a, err := c.call(ctx, request{method: "POST", path: []string{"api-keys", key.ID, "regenerate"}, once: true})
	if err == nil {
		renewed, bad = decodeKey(c, &a)
	}
	if !renewed.Secret.Empty() {
		return renewed, nil
	}
	switch {
	case err == nil && bad != nil:
		err = bad
	case err == nil:
		err = &Error{Status: http.StatusOK, kind: ErrBadAnswer, Message: "it does not hold a secret", maybe: true}
	}
	if !mayHaveHappened(err) {
		return APIKeyWithSecret{}, err
	}
	e := &OutcomeError{Cause: err, Resource: "API key", Name: key.Name}
	c.lookFor(ctx, e, func(ctx context.Context) ([]Made, error) {
		now, err := c.GetAPIKey(ctx, key.ID)
		if err != nil || now.KeyPrefix == key.KeyPrefix {
			return nil, err
		}
		return []Made{now.made()}, nil
	})
	return APIKeyWithSecret{}, c.report(e)
}

// IsOwn reports whether key is the one that the client itself sends.
func (c *Client) IsOwn(key APIKey) bool {
	return len(key.shownPrefix()) >= prefixLength && strings.HasPrefix(*c.cfg.APIKey.value, key.shownPrefix())
}

// MayBeOwn reports whether key cannot be told from the one that the client itself
// sends, since too little of its prefix is known.
func (c *Client) MayBeOwn(key APIKey) bool {
	return len(key.shownPrefix()) < prefixLength && strings.HasPrefix(*c.cfg.APIKey.value, key.shownPrefix())
}

// shownPrefix is the prefix up to where it is masked.
func (k APIKey) shownPrefix() string {
	for i := range len(k.KeyPrefix) {
		if !isKeyByte(k.KeyPrefix[i]) {
			return k.KeyPrefix[:i]
		}
	}
	return k.KeyPrefix
}
