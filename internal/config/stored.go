package config

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/keychain"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// The key that raff-mcp login stores is in the system keychain, in the account named after
// the API's address, or in a file below .raff/keys. That file exists in both cases: if the
// key is in the keychain, it contains keychainNote. So the keychain, which may ask the user
// to unlock it, is used only by those who have a key there, and a keychain that does not
// respond is an error instead of a reason to use the key of another account.
//
// Without a home directory there is no file, and the keychain is asked in any case.

// keychainNote is what the file contains in place of a key.
const keychainNote = "in the system keychain"

const (
	// storeTimeout is how long the keychain may take if the user is there to unlock it.
	storeTimeout = time.Minute
	// readTimeout is the same for reading the key, for which a call may be waiting.
	readTimeout = 30 * time.Second
)

// InKeychain is the place of a stored key that is in the system keychain, for messages.
const InKeychain = "the system keychain"

// A StoredKey says where StoreKey has stored a key.
type StoredKey struct {
	// Where is InKeychain or the path of a file, for messages.
	Where string
	// Replaced reports whether a key was stored for that API before.
	Replaced bool
	// NoKeychain is why the key is in a file, unless that was asked for.
	NoKeychain error
	// Leftover is why the key that was replaced is still in the keychain, or nil.
	Leftover error
}

// StoreKey stores the key for the API with that address, and checks that it can be read
// again. The key is stored in the system keychain or, if there is none or if inFile is set,
// in a file that only the user can read. It replaces the key that was stored before.
//
// The address is that of raffclient.Config.BaseURL, or "sandbox".
func StoreKey(ctx context.Context, env Environment, api string, key raffclient.Secret, inFile bool) (StoredKey, error) {
	account := accountOf(api)
	file := env.keyFile(account)
	before, _, err := file.load()
	if err != nil && !errors.Is(err, errNoFile) {
		return StoredKey{}, err
	}
	s := StoredKey{Where: InKeychain, Replaced: before != ""}
	value := key.Reveal()
	if !inFile {
		err := env.storeInKeychain(ctx, account, value)
		switch {
		case err == nil && before == keychainNote:
			return s, nil // if it were written again and that failed, the key would be lost
		case err == nil:
			return s, env.noteKeychain(ctx, file, account)
		case !errors.Is(err, keychain.ErrAbsent):
			return StoredKey{}, err
		}
		s.NoKeychain = err
	}
	if err := file.save(value); err != nil {
		return StoredKey{}, err
	}
	s.Where = printable.String(file.path())
	if before == keychainNote {
		if err := env.removeFromKeychain(ctx, account); !errors.Is(err, keychain.ErrNotFound) {
			s.Leftover = err
		}
	}
	return s, nil
}

// noteKeychain writes into the file that the key is in the keychain. If that is impossible,
// it removes the key, because it would not be found there.
func (e Environment) noteKeychain(ctx context.Context, file keyFile, account string) error {
	if file.home == "" {
		return nil
	}
	err := file.save(keychainNote)
	if err != nil {
		_ = e.removeFromKeychain(ctx, account)
	}
	return err
}

// ForgetKey removes the key that is stored for the API with that address, and returns where
// it was: InKeychain, the path of a file, or neither.
func ForgetKey(ctx context.Context, env Environment, api string) (where []string, err error) {
	account := accountOf(api)
	file := env.keyFile(account)
	before, _, err := file.load()
	if err != nil && !errors.Is(err, errNoFile) {
		return nil, err
	}
	file.sweep()
	if before != "" && before != keychainNote {
		if err := file.remove(); err != nil {
			return nil, err
		}
		where = append(where, printable.String(file.path()))
	}
	switch err := env.removeFromKeychain(ctx, account); {
	case err == nil:
		where = append(where, InKeychain)
	case errors.Is(err, keychain.ErrNotFound), errors.Is(err, keychain.ErrAbsent) && before != keychainNote:
	case errors.Is(err, keychain.ErrAbsent):
		return where, message(fmt.Sprintf("the key is in the system keychain, which is not available here: %v. Run raff-mcp logout in the session in which you ran raff-mcp login.", err))
	default:
		return where, message(fmt.Sprintf("the key could not be removed from the system keychain: %v. Unlock the keychain, then run raff-mcp logout again.", err))
	}
	if before == keychainNote {
		return where, file.remove()
	}
	return where, nil
}

// readStoredKey returns the key that is stored for the API with that address, and where it
// was found, for messages. The key is zero, and the error nil, if none is stored. The error
// is in whole sentences.
func readStoredKey(ctx context.Context, env Environment, api string) (key raffclient.Secret, source string, err error) {
	account := accountOf(api)
	file := env.keyFile(account)
	text, shared, err := file.load()
	switch {
	case file.home == "":
		return env.readFromKeychain(ctx, account, false)
	case errors.Is(err, errNoFile):
		return raffclient.Secret{}, "", nil
	case err != nil:
		return raffclient.Secret{}, "", err
	case text == keychainNote:
		return env.readFromKeychain(ctx, account, true)
	case shared:
		return raffclient.Secret{}, "", message(fmt.Sprintf("Other users can read the key in %s. Protect it: chmod 600 %[1]s", printable.String(file.path())))
	}
	source = printable.String(file.path())
	if key, err = raffclient.ParseKey(text); err != nil {
		return raffclient.Secret{}, "", message(source + " does not contain a Raff API key. Run raff-mcp login, which writes it again.")
	}
	return key, source, nil
}

// readFromKeychain returns the key in the keychain. expected says that it should be there.
func (e Environment) readFromKeychain(ctx context.Context, account string, expected bool) (raffclient.Secret, string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	text, err := e.Keychain.Get(ctx, account)
	switch {
	case !expected && (errors.Is(err, keychain.ErrNotFound) || errors.Is(err, keychain.ErrAbsent)):
		return raffclient.Secret{}, "", nil
	case errors.Is(err, keychain.ErrNotFound):
		return raffclient.Secret{}, "", message("The system keychain no longer contains the key that raff-mcp login stored there. Run raff-mcp login again.")
	case err != nil:
		return raffclient.Secret{}, "", message(fmt.Sprintf("The key that raff-mcp login stored is in the system keychain and cannot be read there: %v. "+
			"Unlock the keychain, or run raff-mcp login --no-keychain, which stores the key in a file.", err))
	}
	key, err := raffclient.ParseKey(text)
	if err != nil {
		return raffclient.Secret{}, "", message("The system keychain does not contain a Raff API key where raff-mcp login stored one. Run raff-mcp login again.")
	}
	return key, InKeychain + " (raff-mcp login)", nil
}

// storeInKeychain stores a key in the keychain and reads it again.
func (e Environment) storeInKeychain(ctx context.Context, account, value string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := e.Keychain.Exists(ctx); errors.Is(err, keychain.ErrAbsent) {
		return err
	}
	if err := e.Keychain.Set(ctx, account, value); err != nil {
		return message(fmt.Sprintf("the key could not be stored in the system keychain: %v. Unlock the keychain and try again, or store the key in a file with --no-keychain.", err))
	}
	return nil
}

func (e Environment) removeFromKeychain(ctx context.Context, account string) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return e.Keychain.Delete(ctx, account)
}

// accountOf returns the name under which the key for an API is stored: its address, always
// in the same form.
func accountOf(api string) string {
	u, err := url.Parse(cmp.Or(api, raffclient.DefaultBaseURL))
	if err != nil || u.Host == "" {
		return api
	}
	u.Host = strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		u.Host = strings.TrimSuffix(u.Host, ":443")
	case u.Scheme == "http":
		u.Host = strings.TrimSuffix(u.Host, ":80")
	}
	return strings.TrimRight(u.String(), "/")
}

// ParseKey returns text as a key, or an error that says what it is instead and what to do.
// The error calls the text source and does not repeat it.
func ParseKey(text, source string) (raffclient.Secret, error) {
	return parseKey(text, source, "Enter the key itself.")
}

// KeyVariable returns the environment variable from which the server takes its key instead
// of a stored one, or "" if none is set.
func KeyVariable(env Environment) string {
	for _, name := range keyVariables() {
		if env.variable(name) != "" {
			return name
		}
	}
	return ""
}
