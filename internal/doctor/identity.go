package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// An identity is the result of the tool whoami, which reports what the API says about the
// key of the server.
type identity struct {
	Summary       string               `json:"summary"`
	Sandbox       bool                 `json:"sandbox"`
	KeySource     string               `json:"key_source"` // "" if there is no usable key
	KeyPrefix     string               `json:"key_prefix"`
	APIKeyID      string               `json:"api_key_id"` // "" if the key could not be read
	Name          string               `json:"name"`
	AccountID     string               `json:"account_id"`
	RoleName      string               `json:"role_name"`
	RateLimitTier string               `json:"rate_limit_tier"`
	ExpiresAt     raffclient.Timestamp `json:"expires_at"`
	DaysLeft      *int                 `json:"days_left"`
	Missing       []missingPermission  `json:"missing_permissions"`
	Unknown       []string             `json:"unknown"`
}

type missingPermission struct {
	Permission string   `json:"permission"`
	Tools      []string `json:"tools"`
}

// Without these permissions, the server is of little use: it does not find its own key, or
// cannot do what it is for.
const (
	viewKeys   = "account.apikeys.view"
	createKeys = "account.apikeys.create"
)

// expiryWarning is how many days before its expiry a key should be replaced.
const expiryWarning = 7

// check judges the identity.
func (id identity) check(r *Result) {
	if id.KeySource == "" {
		r.fail("key", "the server has no usable API key, and every tool but whoami fails", clean(id.Summary))
		return
	}
	key := strings.TrimSpace(clean(id.KeyPrefix) + " from " + clean(id.KeySource))
	if id.APIKeyID == "" {
		id.checkUnread(r, key)
		return
	}
	r.pass("key", "%q (%s) is accepted", clean(id.Name), key)
	role := "no account role"
	if id.RoleName != "" {
		role = "the role " + clean(id.RoleName)
	}
	r.pass("account", "%s, with %s", clean(cmp.Or(id.AccountID, "not known")), role)
	id.checkPermissions(r)
	id.checkExpiry(r)
	r.pass("tier", "rate limit tier %s", cmp.Or(clean(id.RateLimitTier), "not known"))
}

// checkUnread judges a key of which the API has shown nothing. Whether the API rejects the
// key, or only refuses to list keys, shows in the permission that whoami found missing.
func (id identity) checkUnread(r *Result, key string) {
	key = "the key " + key
	why := clean(strings.Join(id.Unknown, " "))
	if _, rest, found := strings.Cut(why, " are unknown. "); found { // the first sentence says only that
		why = rest
	}
	if i := slices.IndexFunc(id.Missing, func(m missingPermission) bool { return m.Permission == viewKeys }); i >= 0 {
		r.pass("key", "%s is accepted", key)
		r.fail("permissions", fmt.Sprintf("the key lacks %s, so that not even its own role is known", viewKeys), grantFix+" "+why)
		return
	}
	what, fix, found := strings.Cut(why, ". ")
	if !found {
		fix = "Look for the key in the Raff dashboard (API Keys)."
	}
	r.fail("key", fmt.Sprintf("nothing is known about %s: %s", key, what), fix)
}

const grantFix = "Use a key whose role has the permission (by default Owner and Admin have it), or have an Owner add it to the role of this key in the Raff dashboard."

// checkPermissions judges which tools the key may not use. It is usual that a key may not
// do everything, so only one that cannot create keys is a fault.
func (id identity) checkPermissions(r *Result) {
	var list []string
	useless := false
	for _, m := range id.Missing {
		list = append(list, fmt.Sprintf("%s (%s)", clean(strings.Join(m.Tools, ", ")), clean(m.Permission)))
		useless = useless || m.Permission == createKeys
	}
	text := "these tools lack a permission: " + strings.Join(list, "; ")
	switch {
	case useless:
		r.fail("permissions", text, grantFix+" If the server is only meant to read, add --read-only to the entry.")
	case len(list) > 0:
		r.pass("permissions", "the key can create keys; %s", text)
	case len(id.Unknown) > 0:
		r.pass("permissions", "no missing permission is known. %s", clean(strings.Join(id.Unknown, " ")))
	default:
		r.pass("permissions", "the key may use all tools")
	}
}

// expiry returns when the key expires.
func (id identity) expiry() string {
	if at, ok := id.ExpiresAt.Time(); ok {
		return at.UTC().Format("2006-01-02 15:04 MST")
	}
	return clean(string(id.ExpiresAt))
}

func (id identity) checkExpiry(r *Result) {
	const fix = "Replace it: create another key in the Raff dashboard, and give it to the server where this one comes from."
	switch {
	case id.DaysLeft == nil && id.ExpiresAt != "":
		r.fail("expiry", "Raff's response does not say when the key expires", "Look the key up in the Raff dashboard.")
	case id.DaysLeft == nil:
		r.pass("expiry", "the key never expires")
	case *id.DaysLeft < 0:
		r.fail("expiry", fmt.Sprintf("the key expired at %s", id.expiry()), fix)
	case *id.DaysLeft == 0:
		r.fail("expiry", fmt.Sprintf("the key expires at %s, in less than a day", id.expiry()), fix)
	case *id.DaysLeft < expiryWarning:
		r.fail("expiry", fmt.Sprintf("the key expires at %s, in fewer than %d days", id.expiry(), *id.DaysLeft+1), fix)
	default:
		r.pass("expiry", "the key expires in %d days (%s)", *id.DaysLeft, id.expiry())
	}
}
