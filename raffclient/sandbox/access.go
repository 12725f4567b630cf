package sandbox

import (
	"crypto/sha256"
	"net/http"
	"regexp"
	"slices"
	"time"
)

// keyFormat is what a key looks like.
var keyFormat = regexp.MustCompile(`^raff_[0-9a-f]{64}$`)

// admit decides whether the request's key may have it: is it valid, is it within
// its rate, is it in a project where that is asked for, has its role the
// permission. It notes that the key was used.
func (a *API) admit(c call, rt route) (*apiKey, error) {
	key, err := a.authenticate(c.header.Get("X-API-Key"), c.now)
	if err != nil {
		return nil, err
	}
	if err := a.limit(c, key); err != nil {
		return nil, err
	}
	// The documentation does not say what counts as a use. Here it is every request
	// that the limiter lets pass, also one that is then refused.
	key.LastUsedAt = seconds(c.now)
	if a.requireProjectID && c.method != http.MethodGet && c.header.Get("X-Project-ID") == "" {
		return nil, badRequest("X-Project-ID required") // the documented words
	}
	if rt.permission != "" && !slices.Contains(a.permissions(key), rt.permission) {
		return nil, forbidden(rt.permission)
	}
	return key, nil
}

// authenticate returns the key with that value.
func (a *API) authenticate(value string, now time.Time) (*apiKey, error) {
	if value == "" {
		return nil, unauthorized("X-API-Key required")
	}
	if !keyFormat.MatchString(value) {
		return nil, unauthorized("malformed API key")
	}
	hash := sha256.Sum256([]byte(value))
	i := slices.IndexFunc(a.keys, func(k *apiKey) bool { return k.hash == hash && !k.revoked })
	if i < 0 {
		return nil, unauthorized("unknown or revoked API key")
	}
	key := a.keys[i]
	if !key.IsActive {
		return nil, unauthorized("API key is not active")
	}
	if !key.ExpiresAt.IsZero() && !now.Before(key.ExpiresAt) {
		return nil, unauthorized("API key has expired")
	}
	return key, nil
}

// permissions returns what the key may do now: a key refers to its role, so that a
// change of the role reaches it at its next request. What a key made without a
// role may do is not documented; nothing, here, which is the cautious reading.
func (a *API) permissions(key *apiKey) []string {
	r, ok := a.role(key.RoleID)
	if !ok {
		return nil
	}
	return r.Permissions
}
