package delivery

import (
	"log/slog"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Key is the public part of the key that a secret belongs to. Any field may be empty.
type Key struct{ ID, Name, Prefix string }

// LogValue returns the key as attributes.
func (k Key) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", k.ID), slog.String("name", k.Name), slog.String("prefix", k.Prefix))
}

// maxText is the maximum length of an ID or a name. The API permits as much for a name.
const maxText = 128

// sanitized returns the key for use in file names, environments, keychains and logs.
// Each field is one line of printable text of limited length, without any part of the
// secret but its public prefix, even if the API sends something else.
func (k Key) sanitized(secret raffclient.Secret) Key {
	return Key{
		ID:     secret.Redact(printable.Shorten(printable.String(k.ID), maxText)),
		Name:   secret.Redact(printable.Shorten(printable.String(k.Name), maxText)),
		Prefix: secret.Redact(firstRunes(printable.String(k.Prefix), raffclient.KeyPrefixLength)),
	}
}

// firstRunes returns the first n characters of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
