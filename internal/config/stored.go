package config

import (
	"context"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// readStoredKey returns the key that raff-mcp login stored for the API at that address, and
// where it is stored, for messages. The key is zero if none is stored.
func readStoredKey(context.Context, Environment, string) (key raffclient.Secret, source string, err error) {
	return raffclient.Secret{}, "", nil
}
