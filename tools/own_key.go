package tools

import (
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// notOwn returns an error if key is, or may be, the server's own key. Before that, it reads
// the server's key again: the user may have replaced it in order to revoke the old one. The
// new one must be able to read the old one, so that the server does not lose the only key
// that works.
func (d *deps) notOwn(ctx context.Context, key raffclient.APIKey, verb string) error {
	if d.isOwn(key) {
		if err := d.client.ReloadKey(ctx); err != nil {
			d.log.Warn("the server's own key could not be read again", "error", err)
		}
		if !d.isOwn(key) {
			_, err := d.readKey(ctx, key.ID)
			return err
		}
	}
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
	source := d.keySource()
	return fmt.Sprintf("To retire it, create a successor (%s) and put its secret where the server gets its key (%s)%s; only then revoke the old key.",
		callText("replace_api_key", "api_key_id", key.ID), source.Name, source.andRestart())
}

// andRestart returns what is left to do after another key has been put into s.
func (s KeySource) andRestart() string {
	if s.Fixed {
		return ", and restart the server"
	}
	return " (no restart is needed: the server reads its key again before it revokes the old one)"
}
