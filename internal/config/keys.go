package config

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// The variables for the server's own key, in order of precedence.
const (
	keyVariable        = "RAFF_API_KEY"
	keyFileVariable    = "RAFF_API_KEY_FILE"
	keyCommandVariable = "RAFF_API_KEY_COMMAND"
)

// A Key is the server's own key as it was read.
type Key struct {
	Secret raffclient.Secret
	Source string // where it comes from, for messages

	// Warnings should be logged. None of them contains a key.
	Warnings []string
}

// Keys reads the server's own key from its sources: the variables RAFF_API_KEY,
// RAFF_API_KEY_FILE and RAFF_API_KEY_COMMAND, the key stored by raff-mcp login, and the
// vendor's profile. The first one that is set counts, even if its key is invalid, because
// the next one may contain the key of another account.
//
// Nothing is read before Read is called. Keys is safe for concurrent use.
type Keys struct {
	env     Environment
	api     string         // the API's address
	profile profileAtStart // the profile that the other settings come from
	// readStored returns the key stored by raff-mcp login, or a zero one.
	readStored func(ctx context.Context, env Environment, api string) (key raffclient.Secret, source string, err error)
	timeout    time.Duration // of the command

	mu     sync.Mutex
	source keySource // that returned the first key; zero before
	name   string    // of that source, in the words of the last key
}

// A keySource is a place where a key may be.
type keySource struct {
	name string                             // for messages
	read func(context.Context) (Key, error) // returns a zero Key if there is none
	gone keyError                           // if there is none any more
}

// Read reads the key. The error is a problem and its remedy, in whole sentences on one line,
// or that of ctx; with it, only Key.Warnings may be set.
//
// The source that returned the first key is the only one that is read from then on. Until
// one has, every call looks in all of them, so that a key that is provided later is found.
func (k *Keys) Read(ctx context.Context) (Key, error) {
	if first := k.settled(); first.read != nil {
		key, err := first.read(ctx)
		if err == nil && key.Secret.IsZero() {
			return Key{}, &first.gone
		}
		return k.settle(ctx, first, key, err)
	}
	for _, source := range k.sources() {
		key, err := source.read(ctx)
		if err != nil || !key.Secret.IsZero() {
			return k.settle(ctx, source, key, err)
		}
	}
	return Key{}, k.noKeyError()
}

// settle returns key and err, of which only one is set. If there is no error, source is the
// key's source from then on, unless the reading was cancelled: then nobody uses the key.
func (k *Keys) settle(ctx context.Context, source keySource, key Key, err error) (Key, error) {
	if ctx.Err() != nil {
		return Key{}, context.Cause(ctx)
	}
	if err != nil {
		return Key{Warnings: key.Warnings}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.source.read == nil {
		k.source = source
	}
	k.name = key.Source
	return key, nil
}

func (k *Keys) settled() keySource {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.source
}

// Source says where the key comes from, for messages. Before one has been read, it says
// where Read will look.
func (k *Keys) Source() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.name != "" {
		return k.name
	}
	var names []string
	for _, source := range k.sources() {
		names = append(names, source.name)
	}
	return strings.Join(names, " or ")
}

// Fixed reports whether the key cannot change while the process runs.
func (k *Keys) Fixed() bool { return k.env.variable(keyVariable) != "" }

// Problem returns the problem with a key that is known without reading anything but the
// environment, or nil.
func (k *Keys) Problem() error {
	if !k.Fixed() {
		return nil
	}
	_, err := parseKeyVariable(k.env.variable(keyVariable))
	return err
}

// sources returns the places to look for a key. If a variable is set, that is the only one.
func (k *Keys) sources() []keySource {
	if value := k.env.variable(keyVariable); value != "" {
		return []keySource{{name: keyVariable, read: func(context.Context) (Key, error) { return parseKeyVariable(value) }}}
	}
	if path := k.env.variable(keyFileVariable); path != "" {
		return []keySource{{name: keyFileVariable, read: func(context.Context) (Key, error) { return readKeyFileVariable(path, k.env) }}}
	}
	if line := k.env.variable(keyCommandVariable); line != "" {
		return []keySource{{name: keyCommandVariable, read: func(ctx context.Context) (Key, error) { return k.readCommand(ctx, line) }}}
	}
	return []keySource{
		{"raff-mcp login", k.readLogin, keyError{"The key that raff-mcp login had stored is no longer there.", "Run `raff-mcp login` again."}},
		{"the profile", k.readProfile, keyError{"The profile that contained the server's key no longer contains one.", "Run `raff configure`, which fills it in."}},
	}
}

// keyVariables returns the names of the variables in order of precedence.
func keyVariables() []string { return []string{keyVariable, keyFileVariable, keyCommandVariable} }

// variableIsSet reports whether one of the variables is set, so that no other source counts.
func (k *Keys) variableIsSet() bool {
	return slices.ContainsFunc(keyVariables(), func(name string) bool { return k.env.variable(name) != "" })
}

// ignoredVariables returns a warning for each variable that has no effect because one
// before it is set.
func (k *Keys) ignoredVariables() (warnings []string) {
	used := ""
	for _, name := range keyVariables() {
		switch {
		case k.env.variable(name) == "":
		case used == "":
			used = name
		default:
			warnings = append(warnings, name+" is ignored, because "+used+" is set. Unset one of them.")
		}
	}
	return warnings
}

// readLogin returns the key stored by raff-mcp login. A profile file without effect, which
// noKeyError would name, is then a warning.
func (k *Keys) readLogin(ctx context.Context) (Key, error) {
	secret, source, err := k.readStored(ctx, k.env, k.api)
	if err != nil {
		_, isKeyError := errors.AsType[*keyError](err)
		_, isMessage := errors.AsType[message](err)
		switch {
		case ctx.Err() != nil:
			return Key{}, context.Cause(ctx)
		case isKeyError || isMessage:
			return Key{}, err
		}
		return Key{}, &keyError{"The key stored by raff-mcp login cannot be read: " + oneSentence(err),
			"Make it readable, run `raff-mcp login` again, or set RAFF_API_KEY."}
	}
	key := Key{Secret: secret, Source: source}
	if k.profile.problem != nil {
		key.Warnings = []string{k.profile.problem.Error()}
	}
	return key, nil
}

// oneSentence returns the text of err with one full stop. Windows ends its messages with
// one.
func oneSentence(err error) string { return strings.TrimSuffix(err.Error(), ".") + "." }

// noKeyError is the problem if no source contains a key. It names a profile file that was
// found.
func (k *Keys) noKeyError() *keyError {
	what := "No Raff API key is configured"
	p, err := readProfile(k.env.homeDir(), k.profile.wanted)
	switch {
	case err != nil: // it has changed since it was read
	case p.problem != nil:
		what += ", and " + p.problem.what()
	case p.path != "":
		what += ", and " + p.label() + " in " + printable.String(p.path) + " contains no api-key"
	}
	return &keyError{what + ".",
		"Run `raff-mcp login` with a key from the Raff dashboard (API Keys); or set RAFF_API_KEY, RAFF_API_KEY_FILE or RAFF_API_KEY_COMMAND " +
			"in the MCP client's env block for this server; or run `raff configure`; or try without an account, with --sandbox."}
}
