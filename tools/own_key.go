package tools

import (
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// notOwn returns an error if key is, or may be, the server's own key.
func (d *deps) notOwn(key raffclient.APIKey, verb string) error {
	switch {
	case d.client.MayBeOwn(key):
		return refusal(fmt.Sprintf("Nothing was changed: Raff does not show the prefix of %s, so it may be the one that this server itself runs with, which the server does not %s. To %[2]s it, use the Raff dashboard.", labeled("the key", key.Name), verb))
	case d.client.IsOwn(key):
		return refusal(fmt.Sprintf("Nothing was changed: %s (%s) is the one that this server itself runs with, and the server does not %s its own key. %s", labeled("key", key.Name), prefixText(key.KeyPrefix), verb, d.ownKeySteps(key)))
	}
	return nil
}

// isOwn reports whether key is, or may be, the server's own key.
func (d *deps) isOwn(key raffclient.APIKey) bool {
	return d.client.IsOwn(key) || d.client.MayBeOwn(key)
}

// whoseKey returns a sentence that says that key is, or may be, the server's own key.
func (d *deps) whoseKey(key raffclient.APIKey) string {
	if d.client.IsOwn(key) {
		return "This is the key that the server itself runs with."
	}
	return "Raff does not show enough of this key's prefix, so it may be the one that the server itself runs with."
}

// ownKeySteps returns how the user can replace the server's own key, which the server does
// not revoke, regenerate or restrict.
func (d *deps) ownKeySteps(key raffclient.APIKey) string {
	if d.sandbox {
		return "In the sandbox there is nothing to do about it: every start of the server creates a new account and a new key."
	}
	return fmt.Sprintf("To retire it, create a successor (%s), put its secret where the server gets its key (%s) and restart the server; only then revoke the old key, which the restarted server can do.",
		callText("replace_api_key", "api_key_id", key.ID), d.keySource)
}
