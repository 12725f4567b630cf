package raffclient

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// APIKey is a key as the API shows it: everything but its secret.
type APIKey struct {
	ID              string          `json:"id,omitempty"`
	AccountID       string          `json:"account_id,omitempty"`
	Name            string          `json:"name,omitempty"`
	KeyPrefix       string          `json:"key_prefix,omitempty"` // the first 13 characters of the secret
	Scope           string          `json:"scope,omitempty"`
	RateLimitTier   string          `json:"rate_limit_tier,omitempty"` // "standard" or "high"
	ExpiresAt       Timestamp       `json:"expires_at,omitempty"`      // "" if it never expires; see Timestamp
	LastUsedAt      Timestamp       `json:"last_used_at,omitempty"`    // "" if it was never used; see Timestamp
	Active          *bool           `json:"is_active,omitempty"`       // nil if the API did not say
	RoleID          string          `json:"role_id,omitempty"`         // of the account role
	RoleName        string          `json:"role_name,omitempty"`
	RoleSlug        string          `json:"role_slug,omitempty"`
	ProjectAccesses []ProjectAccess `json:"project_accesses,omitempty"`
	CreatedBy       string          `json:"created_by,omitempty"` // a user's ID
	CreatedAt       Timestamp       `json:"created_at,omitempty"`
	Unreadable      []string        `json:"unreadable,omitempty"` // names of fields that are unknown, because the API sent something unexpected
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

// texts returns what the API says about k.
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
		keep:  true, // there is a secret, and it must not be lost
		list:  apiKeys(),
		found: func(k APIKey) (Made, bool) { return k.made(), similarNames(r.Name, k.Name) },
	})
}

func (k APIKey) made() Made {
	return Made{ID: k.ID, Name: k.Name, Prefix: k.KeyPrefix, CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt}
}

// APIKeys yields the account's keys. An error ends the sequence.
//
// GET /api/v1/api-keys
func (c *Client) APIKeys(ctx context.Context) iter.Seq2[APIKey, error] {
	return each(pages(ctx, c, apiKeys()))
}

func apiKeys() listing[APIKey] { return listing[APIKey]{path: []string{"api-keys"}, id: APIKey.id} }

// GetAPIKey returns the key with that ID.
//
// GET /api/v1/api-keys/{id}
func (c *Client) GetAPIKey(ctx context.Context, id string) (APIKey, error) {
	key, _, err := c.getAPIKey(ctx, id)
	return key, err
}

func (c *Client) getAPIKey(ctx context.Context, id string) (APIKey, answer, error) {
	return byID(ctx, c, request{method: "GET", path: []string{"api-keys", id}}, id, APIKey.id)
}

// RevokeAPIKey revokes the key with that ID, for good.
//
// DELETE /api/v1/api-keys/{id}
func (c *Client) RevokeAPIKey(ctx context.Context, id string) error {
	return c.remove(ctx, "api-keys", id)
}

// RevokeCreatedAPIKey revokes a key that was just created, as CreateAPIKey returned
// it or as an OutcomeError names it. It reads the key first, and revokes it only if
// ID, name, prefix and age are those of the key that was created. If they are not,
// or cannot be known, the error is ErrNotConfirmed.
//
// GET and DELETE /api/v1/api-keys/{id}
func (c *Client) RevokeCreatedAPIKey(ctx context.Context, created APIKeyWithSecret) error {
	notConfirmed := func(why string) error { return &Error{kind: ErrNotConfirmed, Message: why} }
	if created.ID == "" || strings.Contains(created.ID, redacted) {
		return notConfirmed("the API's response to the creation lacked its ID")
	}
	start := time.Now()
	key, a, err := c.getAPIKey(ctx, created.ID)
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
	case len(want) < prefixLength-len("raff_") || !strings.Contains(prefixBody(key.KeyPrefix), want):
		return notConfirmed("it has another prefix")
	case dated && at.Before(serverTime(start, a.date).Add(-similarAge)):
		return notConfirmed("it is older")
	case created.Secret.Empty() && !sameMoment(key.CreatedAt, created.CreatedAt):
		// The prefix alone may be that of another key, which the response named.
		return notConfirmed("it was created at another time, or when is unknown")
	}
	return c.RevokeAPIKey(ctx, key.ID)
}

// sameMoment reports whether a and b are known and the same, to the second.
func sameMoment(a, b Timestamp) bool {
	at, ok := a.Time()
	bt, known := b.Time()
	return ok && known && at.Sub(bt).Abs() < time.Second
}

// secretPrefix returns the public prefix of the secret, or else the one that the
// API gave.
func (k APIKeyWithSecret) secretPrefix() string {
	if k.Secret.Empty() {
		return k.KeyPrefix
	}
	return truncate(*k.Secret.value, prefixLength, "")
}

// UpdateAPIKey changes the key with that ID and returns it as it is then.
//
// PATCH /api/v1/api-keys/{id}
func (c *Client) UpdateAPIKey(ctx context.Context, id string, r UpdateAPIKeyRequest) (APIKey, error) {
	key, _, err := byID(ctx, c, request{method: "PATCH", path: []string{"api-keys", id}, body: r}, id, APIKey.id)
	return key, err
}

func (k APIKey) id() string { return k.ID }

func (k *APIKey) setUnreadable(fields []string) { k.Unreadable = fields }

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
	changed := func(ctx context.Context) (APIKey, bool, error) {
		now, err := c.GetAPIKey(ctx, key.ID)
		if err == nil && (now.KeyPrefix == "" || key.KeyPrefix == "") {
			err = &Error{kind: ErrBadAnswer, Message: "the API does not show the key's prefix"}
		}
		return now, now.KeyPrefix != key.KeyPrefix, err
	}
	a, err := c.call(ctx, request{method: "POST", path: []string{"api-keys", key.ID, "regenerate"}, once: true,
		absent: func(ctx context.Context, certain bool) bool {
			ctx, cancel := c.forLookup(ctx)
			defer cancel()
			_, yes, err := changed(ctx)
			return err != nil && !certain || err == nil && !yes
		}})
	if err == nil {
		renewed, bad = decodeKey(c, &a)
	}
	if !renewed.Secret.Empty() {
		renewed.ID = key.ID
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
		now, yes, err := changed(ctx)
		if err != nil || !yes {
			return nil, err
		}
		m := now.made()
		m.New = true
		return []Made{m}, nil
	})
	return APIKeyWithSecret{}, c.report(e)
}

// IsOwn reports whether key is the one that the client itself sends, however the
// API shows its prefix: in upper case, without "raff_", or with something around it.
func (c *Client) IsOwn(key APIKey) bool {
	own, shown := c.ownPrefixBody(), prefixBody(key.KeyPrefix)
	return own == shown || len(own) >= minTelling && strings.Contains(shown, own)
}

// MayBeOwn reports whether key cannot be told from the one that the client itself
// sends, since too little of its prefix is known: it is missing, or masked.
func (c *Client) MayBeOwn(key APIKey) bool {
	if c.IsOwn(key) || len(prefixBody(key.KeyPrefix)) >= prefixLength {
		return false
	}
	own, contained, telling := prefixBody(*c.cfg.APIKey.value), 0, false
	parts := prefixParts(key.KeyPrefix)
	for _, part := range parts {
		if strings.Contains(own, part) {
			contained++
			telling = telling || len(part) >= minTelling
		}
	}
	return telling || contained == len(parts)
}

// minTelling is how many characters of a prefix tell keys apart reasonably well.
const minTelling = 4

func (c *Client) ownPrefixBody() string {
	return prefixBody(truncate(*c.cfg.APIKey.value, prefixLength, ""))
}

// prefixBody returns what of a prefix tells keys apart: its letters and digits, in
// lower case, without "raff".
func prefixBody(prefix string) string { return strings.Join(prefixParts(prefix), "") }

func prefixParts(prefix string) []string {
	parts := strings.FieldsFunc(strings.ToLower(norm.NFKC.String(prefix)), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
	return slices.DeleteFunc(parts, func(part string) bool { return part == "raff" })
}
