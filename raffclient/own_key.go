package raffclient

import (
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// OwnKeyPrefix returns the public prefix of the client's own key. It is "" if the key is so
// short that the prefix would be most of it.
func (c *Client) OwnKeyPrefix() string {
	if len(*c.cfg.APIKey.value) < 2*KeyPrefixLength {
		return ""
	}
	return c.cfg.APIKey.prefix()
}

// IsOwn reports whether key is the client's own, Config.APIKey. It compares prefixes
// and allows for one that the API shows in upper case, without "raff_", or as part of
// a longer text.
func (c *Client) IsOwn(key APIKey) bool {
	own, shown := c.ownPrefixBody(), prefixBody(key.KeyPrefix)
	return own == shown || len(own) >= minDistinctive && strings.Contains(shown, own)
}

// MayBeOwn reports whether key may be the client's own although IsOwn is false: its
// prefix is missing or masked, and the parts that it shows match.
func (c *Client) MayBeOwn(key APIKey) bool {
	if c.IsOwn(key) || len(prefixBody(key.KeyPrefix)) >= KeyPrefixLength {
		return false
	}
	own, contained, distinctive := prefixBody(*c.cfg.APIKey.value), 0, false
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

func (c *Client) ownPrefixBody() string { return prefixBody(c.cfg.APIKey.prefix()) }

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
