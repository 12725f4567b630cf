package delivery

import (
	"cmp"
	"context"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
)

// keyringStore stores secrets in the operating system's keychain. It waits for a limited
// time: a locked keychain asks the user to unlock it and blocks until then.
type keyringStore struct {
	keychain *keychain.Keychain
	waits    waits
}

func newKeyringStore(w waits) *keyringStore { return &keyringStore{keychain.New(), w} }

// exists returns an error if there is no keychain. It does not start one.
func (s *keyringStore) exists(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.waits.probe)
	defer cancel()
	return s.keychain.Exists(ctx)
}

// probe stores a value that is not a secret, reads it and removes it.
func (s *keyringStore) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.waits.probe)
	defer cancel()
	return s.keychain.Probe(ctx)
}

func (s *keyringStore) put(ctx context.Context, k Key, v value) (string, error) {
	ctx, cancel := detach(ctx, s.waits.store, s.waits.cancelGrace)
	defer cancel()
	account := accountName(k)
	if err := s.keychain.Set(ctx, account, string(v)); err != nil {
		return "", err
	}
	return keychain.HowToRead(account), nil
}

// accountName returns the name of a key's entry in the keychain. It is the key's ID, so
// that a regenerated secret replaces the old one, which is no longer valid. It becomes
// part of a command for the user, so an ID with unusual characters is shortened; a
// random suffix then keeps it from replacing the secret of another key.
func accountName(k Key) string {
	if id := fileSafe(k.ID, 64); id != "" && id == k.ID {
		return id
	}
	return cmp.Or(fileSafe(k.ID, 64), fileSafe(k.Prefix, 64), "unknown") + "-" + random()
}
