package raffclient

import (
	"slices"
	"strings"
)

// IsOwn reports whether key is the one that the client itself sends, however the
// API shows its prefix: in upper case, without "raff_", or with something around it.
func (c *Client) IsOwn(key APIKey) bool {
	own, shown := c.ownPrefixBody(), prefixBody(key.KeyPrefix)
	return own == shown || len(own) >= minDistinctive && strings.Contains(shown, own)
}

// MayBeOwn reports whether key cannot be told from the one that the client itself
// sends, since too little of its prefix is known: it is missing, or masked.
func (c *Client) MayBeOwn(key APIKey) bool {
	if c.IsOwn(key) || len(prefixBody(key.KeyPrefix)) >= KeyPrefixLength {
		return false
	}
	own, contained, telling := prefixBody(*c.cfg.APIKey.value), 0, false
	parts := prefixParts(key.KeyPrefix)
	for _, part := range parts {
		if strings.Contains(own, part) {
			contained++
			telling = telling || len(part) >= minDistinctive
		}
	}
	return telling || contained == len(parts)
}

// minDistinctive is how many characters of a prefix tell keys apart reasonably well.
const minDistinctive = 4

func (c *Client) ownPrefixBody() string { return prefixBody(c.cfg.APIKey.prefix()) }

// prefixBody returns what of a prefix tells keys apart: its letters and digits, in
// lower case, without "raff".
func prefixBody(prefix string) string { return strings.Join(prefixParts(prefix), "") }

func prefixParts(prefix string) []string {
	parts := strings.FieldsFunc(strings.ToLower(prefix), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z')
	})
	return slices.DeleteFunc(parts, func(part string) bool { return part == "raff" })
}
