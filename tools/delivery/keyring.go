package delivery

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"
)

// keyringStore stores secrets in the operating system's keychain: macOS Keychain,
// Windows Credential Manager, or a Secret Service (GNOME Keyring, KWallet, KeePassXC).
//
// A locked keychain asks the user to unlock it and blocks until then. A keyringStore
// waits for a limited time.
type keyringStore struct {
	sem   chan struct{} // full while something uses the keychain
	waits waits
}

const service = "raff-mcp"

func newKeyringStore(w waits) *keyringStore { return &keyringStore{make(chan struct{}, 1), w} }

// exists returns an error if there is no keychain. It does not start one.
func (s *keyringStore) exists(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.waits.probe)
	defer cancel()
	return s.do(ctx, keychainExists)
}

// probe stores a value that is not a secret, reads it and removes it.
func (s *keyringStore) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.waits.probe)
	defer cancel()
	return s.do(ctx, func() error {
		if err := keychainExists(); err != nil {
			return err
		}
		account := "test-" + rand.Text()
		err := store(account, "not a secret")
		if deleteErr := keyring.Delete(service, account); err == nil && deleteErr != nil {
			return fmt.Errorf("remove from the keychain: %w", deleteErr)
		}
		return err
	})
}

func (s *keyringStore) put(ctx context.Context, k Key, v value) (string, error) {
	ctx, cancel := detach(ctx, s.waits.store, s.waits.cancelGrace)
	defer cancel()
	account := accountName(k)
	err := s.do(ctx, func() error { return store(account, v) })
	if err != nil {
		return "", err
	}
	return howToRead(account), nil
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

// store stores a value and reads it again: on macOS, success is not reported reliably.
func store(account string, v value) error {
	if err := keyring.Set(service, account, string(v)); err != nil {
		return fmt.Errorf("store in the keychain, which may be locked: %w", err)
	}
	if got, err := keyring.Get(service, account); err != nil {
		return fmt.Errorf("read from the keychain what was stored there: %w", err)
	} else if value(got) != v {
		return errors.New("the keychain returned something other than what was stored")
	}
	return nil
}

var errNoResponse = errors.New("the keychain did not respond: it may be locked, and must then be unlocked first")

// do runs f and waits for it until ctx ends. f then continues until the keychain
// responds, and other operations wait for that: at most one f is left running.
func (s *keyringStore) do(ctx context.Context, f func() error) error {
	select {
	case s.sem <- struct{}{}:
	case <-ctx.Done():
		return errNoResponse
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-s.sem }()
		done <- f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errNoResponse
	}
}
