package raffclient

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// OwnKeyPrefix returns the public prefix of the client's own key. See
// [Secret.PublicPrefix]. It is "" before the key has been read.
func (c *Client) OwnKeyPrefix() string {
	key, _ := c.key.get()
	return key.PublicPrefix()
}

// IsOwn reports whether key is the client's own, which is the one that it uses for requests
// now. It compares prefixes and allows for one that the API shows in upper case, without
// "raff_", or as part of a longer text.
func (c *Client) IsOwn(key APIKey) bool {
	own, _ := c.key.get()
	return own.isShownAs(key.KeyPrefix)
}

// isShownAs reports whether a prefix that the API shows is that of s.
func (s Secret) isShownAs(prefix string) bool {
	own, shown := prefixBody(s.prefix()), prefixBody(prefix)
	return !s.IsZero() && (own == shown || len(own) >= minDistinctive && strings.Contains(shown, own))
}

// MayBeOwn reports whether key may be the client's own although IsOwn is false: its
// prefix is missing or masked, and the parts that it shows match. Before the client has read its
// own key, it may be any.
func (c *Client) MayBeOwn(key APIKey) bool {
	secret, _ := c.key.get()
	if secret.IsZero() {
		return true
	}
	if secret.isShownAs(key.KeyPrefix) || len(prefixBody(key.KeyPrefix)) >= KeyPrefixLength {
		return false
	}
	own, contained, distinctive := prefixBody(*secret.value), 0, false
	parts := prefixParts(key.KeyPrefix)
	for _, part := range parts {
		if strings.Contains(own, part) {
			contained++
			distinctive = distinctive || len(part) >= minDistinctive
		}
	}
	return distinctive || contained == len(parts)
}

// minDistinctive is how many characters of a prefix usually distinguish two keys.
const minDistinctive = 4

// prefixBody returns the distinctive part of a prefix: its letters and digits in
// lower case, without "raff".
func prefixBody(prefix string) string { return strings.Join(prefixParts(prefix), "") }

// prefixParts returns the parts of prefixBody that other characters separate.
func prefixParts(prefix string) []string {
	parts := strings.FieldsFunc(strings.ToLower(norm.NFKC.String(prefix)), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
	return slices.DeleteFunc(parts, func(part string) bool { return part == "raff" })
}
