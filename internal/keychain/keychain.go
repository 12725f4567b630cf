// Package keychain stores secrets in the operating system's keychain: macOS Keychain,
// Windows Credential Manager, or a Secret Service (GNOME Keyring, KWallet, KeePassXC).
//
// A locked keychain asks the user to unlock it and blocks until then. Every method
// therefore waits only until its context ends, and at most one operation of a Keychain is
// left running.
package keychain

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/zalando/go-keyring"
)

// Service is the service under which all secrets are stored. Each has an account of its
// own.
const Service = "raff-mcp"

// Errors of a Keychain, for errors.Is.
var (
	ErrAbsent     = errors.New("there is no keychain")
	ErrNotFound   = errors.New("the keychain has no such entry")
	ErrNoResponse = errors.New("the keychain did not respond: it may be locked, and must then be unlocked first")
)

// Keychain is the keychain of the user. It is safe for concurrent use. A nil *Keychain is
// one that does not exist.
type Keychain struct {
	sem chan struct{} // full while something uses the keychain
}

// New returns the keychain. It does not check whether there is one.
func New() *Keychain { return &Keychain{make(chan struct{}, 1)} }

// Exists returns ErrAbsent if there is no keychain. It does not start one.
func (k *Keychain) Exists(ctx context.Context) error { return k.do(ctx, exists) }

// Probe stores a value that is not a secret, reads it and removes it.
func (k *Keychain) Probe(ctx context.Context) error {
	return k.do(ctx, func() error {
		if err := exists(); err != nil {
			return err
		}
		account := "test-" + rand.Text()
		err := set(account, "not a secret")
		if deleteErr := keyring.Delete(Service, account); err == nil && deleteErr != nil {
			return fmt.Errorf("remove from the keychain: %w", deleteErr)
		}
		return err
	})
}

// Set stores a value and reads it again: on macOS, success is not reported reliably. It
// replaces the value that the account has.
func (k *Keychain) Set(ctx context.Context, account, value string) error {
	return k.do(ctx, func() error { return set(account, value) })
}

func set(account, value string) error {
	if err := keyring.Set(Service, account, value); err != nil {
		return fmt.Errorf("store in the keychain, which may be locked: %w", err)
	}
	if got, err := keyring.Get(Service, account); err != nil {
		return fmt.Errorf("read from the keychain what was stored there: %w", err)
	} else if got != value {
		return errors.New("the keychain returned something other than what was stored")
	}
	return nil
}

// Get returns the value of an account. The error is ErrAbsent if there is no keychain, and
// ErrNotFound if it has no such account.
func (k *Keychain) Get(ctx context.Context, account string) (value string, err error) {
	var got string // not shared with the caller, who may have given up
	err = k.do(ctx, func() error {
		if err := exists(); err != nil {
			return err
		}
		var err error
		got, err = keyring.Get(Service, account)
		return explain("read from the keychain, which may be locked", err)
	})
	if err != nil {
		return "", err
	}
	return got, nil
}

// Delete removes an account. The error is ErrAbsent if there is no keychain, and
// ErrNotFound if it has no such account.
func (k *Keychain) Delete(ctx context.Context, account string) error {
	return k.do(ctx, func() error {
		if err := exists(); err != nil {
			return err
		}
		return explain("remove from the keychain, which may be locked", keyring.Delete(Service, account))
	})
}

// explain returns an error of package keyring as one of this package, or with what failed.
func explain(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	}
	return fmt.Errorf("%s: %w", what, err)
}

// do runs f and waits for it until ctx ends. f then continues until the keychain
// responds, and other operations wait for that: at most one f is left running.
func (k *Keychain) do(ctx context.Context, f func() error) error {
	if k == nil {
		return ErrAbsent
	}
	select {
	case k.sem <- struct{}{}:
	case <-ctx.Done():
		return ErrNoResponse
	}
	done := make(chan error, 1)
	go func() {
		defer func() { <-k.sem }()
		done <- f()
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ErrNoResponse
	}
}
