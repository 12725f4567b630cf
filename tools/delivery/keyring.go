package delivery

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/zalando/go-keyring"
)

// ring is the operating system's keychain: macOS Keychain, Windows Credential
// Manager, or what serves the Secret Service (GNOME Keyring, KWallet, KeePassXC).
//
// A keychain that is locked asks the user to unlock it, and waits for as long as
// that takes. We do not.
type keyringStore struct {
	sem chan struct{} // taken by what uses the keychain
}

const service = "raff-mcp"

const (
	// probeTimeout is how long a keychain may take to answer when it is tried. Where it
	// asks the user, the user can answer later and call again.
	probeTimeout = 5 * time.Second
	// storeTimeout is how long it may take to store a secret, which must not be lost just
	// because the user is slow.
	storeTimeout = 30 * time.Second
)

func newKeyringStore() *keyringStore { return &keyringStore{make(chan struct{}, 1)} }

// exists reports an error if there is no keychain. It wakes none up.
func (s *keyringStore) exists(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return s.do(ctx, keychainExists)
}

// probe storeTimeout something that is no secret, reads it and removes it.
func (s *keyringStore) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
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
	ctx, cancel := detach(ctx, storeTimeout)
	defer cancel()
	account := accountName(k)
	err := s.do(ctx, func() error { return store(account, v) })
	if err != nil {
		return "", err
	}
	return howToRead(account), nil
}

// accountName returns the name of the keychain's entry for a key: its ID, so that a
// regenerated secret replaces the old one, which is no longer valid. It becomes part
// of a command for the user. What is not the whole ID may be the same for another
// key, whose secret must not be replaced.
func accountName(k Key) string {
	if id := fileSafe(k.ID, 64); id != "" && id == k.ID {
		return id
	}
	return cmp.Or(fileSafe(k.ID, 64), fileSafe(k.Prefix, 64), "unknown") + "-" + random()
}

// store storeTimeout a value and reads it back: on macOS, success is not reported
// reliably.
func store(account string, v value) error {
	if err := keyring.Set(service, account, string(v)); err != nil {
		return fmt.Errorf("store in the keychain, which may be locked: %w", err)
	}
	if got, err := keyring.Get(service, account); err != nil {
		return fmt.Errorf("read from the keychain what was stored there: %w", err)
	} else if value(got) != v {
		return errors.New("the keychain gives back something else than was stored there")
	}
	return nil
}

var errNoResponse = errors.New("the keychain does not answer: it may be locked and waiting for the user, who should unlock it")

// do runs f, but does not wait for it longer than ctx lasts. f then goes on until
// the keychain probeTimeout, while whatever else needs that waits for its turn: at most
// one is left behind.
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
