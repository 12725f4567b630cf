// Package delivery delivers one-time secrets to the destination that the
// administrator has configured.
//
// A secret is delivered inline (in the tool's result, where the assistant and the
// provider of its model can read it) or to a file, the operating system's keychain or
// a command, so that neither sees it. The model cannot change the destination. A tool
// calls [Method.Ready] before it creates a secret, and then [Method.Deliver].
package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Secret is the part of a tool's result that contains a secret or says where it is. It
// contains a flag, because no field of MCP marks a secret, and only the result itself
// reaches every client.
type Secret struct {
	Sensitive bool   `json:"sensitive"` // always true
	Delivery  string `json:"delivery" jsonschema_description:"inline, file, keyring, command or recovered (saved in a file)."`
	Value     value  `json:"value,omitempty" jsonschema:"format=password" jsonschema_description:"The secret, if inline." jsonschema_extras:"x-sensitive=true"`
	Location  string `json:"location,omitempty" jsonschema_description:"Where it is, if not inline."`
	// Destination is the name of the destination that the call chose, if it chose one.
	Destination string `json:"destination,omitempty" jsonschema:"-"`
	// Fingerprint is that of [raffclient.Secret.Fingerprint]. It is absent if Value is there.
	// Neither is in the schema: they explain themselves, and the lists of tools stay short.
	Fingerprint string `json:"fingerprint,omitempty" jsonschema:"-"`
	Note        string `json:"note"`
}

// Shown reports whether the result contains the value itself.
func (s Secret) Shown() bool { return s.Value != "" }

// Recovered reports whether the secret was saved in a recovery file, because it could not
// be delivered as configured.
func (s Secret) Recovered() bool { return s.Delivery == recovered }

// Describe returns where the secret is, as sentences.
func (s Secret) Describe() string {
	switch {
	case s.Shown():
		return "Its secret is secret.value of the structured result, and is shown only once: give it to the user in your reply, so that they can store it."
	case s.Delivery == recovered:
		return fmt.Sprintf("Its secret is not in this result. %s It is in the file %s.", s.Note, s.Location) + s.describeFingerprint()
	}
	text := fmt.Sprintf("Its secret is not in this result (%s: %s).", s.Delivery, s.Location)
	if s.Destination != "" {
		text = fmt.Sprintf("Its secret is not in this result: it went to the destination %s (%s: %s).", s.Destination, s.Delivery, s.Location)
	}
	return text + s.describeFingerprint() + " " + s.Note
}

// describeFingerprint returns a sentence, after a space, or "".
func (s Secret) describeFingerprint() string {
	if s.Fingerprint == "" {
		return ""
	}
	return fmt.Sprintf(" Its fingerprint is %s.", s.Fingerprint)
}

// Config configures how secrets are delivered.
type Config struct {
	// Delivery is "inline" (the default), "file" (a file of its own for each secret),
	// "keyring", "command", "env-file" (a variable in a file), "one-file" (a file that
	// contains only the secret) or "destination" (one must be chosen).
	Delivery string
	// Destination is the name of the destination, for messages, if this is one that a call
	// can choose.
	Destination string
	// Path is the file for "env-file" and "one-file", an absolute path.
	Path string
	// Variable is the variable for "env-file".
	Variable string
	// Locks is the directory for lock files, for "env-file" and "one-file", an absolute path.
	Locks string
	// Dir is the directory for "file", an absolute path. It is created if it
	// does not exist.
	Dir string
	// Format is the format of a file for "file": "raw" (the default), only the secret,
	// or "env", a line RAFF_API_KEY=….
	Format string
	// Command is the command line for "command". The command reads the secret from
	// its standard input. Its output is discarded.
	Command string
	// Timeout is how long the command may take. Default: 30 s.
	Timeout time.Duration
	// Recovery is the directory in which a secret is saved if it cannot be
	// delivered, an absolute path. If it is empty, nothing is saved.
	Recovery string
	// Logger records each secret that could not be delivered, and where it was saved.
	// Default: nothing is logged.
	Logger *slog.Logger

	waits waits // the zero value stands for defaultWaits
}

// waits are how long a delivery waits for others.
type waits struct {
	// cancelGrace is how long a delivery may continue after its call was cancelled. It is
	// shorter than the grace period of a server that shuts down.
	cancelGrace time.Duration
	// probe is how long a keychain may take to respond to a probe. A user whom it asks to
	// unlock it can do so later and call again.
	probe time.Duration
	// store is how long storing a secret in a keychain may take. It is longer, so that
	// the secret is not lost because the user is slow.
	store time.Duration
}

func defaultWaits() waits {
	return waits{cancelGrace: 5 * time.Second, probe: 5 * time.Second, store: 30 * time.Second}
}

// Method delivers secrets in the configured way. The zero Method delivers inline. A
// Method is safe for concurrent use.
type Method struct {
	delivery string // "" is inline
	name     string // of the destination, if a call can choose it
	note     string
	where    string // see Where
	check    func(context.Context) error
	ready    func(context.Context) error
	deliver  func(context.Context, Key, value) (location string, err error)
	rehearse func(context.Context, Key, value, *Rehearsal) error
	recovery dirStore
	log      *slog.Logger
}

const (
	inline    = "inline"
	recovered = "recovered"
)

// New returns the method that cfg describes. It returns an error if it can detect
// without a delivery that the method does not work: the directory cannot be written to,
// or the keychain or the command does not exist. A destination that a call can choose is not
// checked, because others may still work: see [Method.Check] and [Method.Ready].
func New(ctx context.Context, cfg Config) (*Method, error) {
	log := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	recovery := newDirStore(cfg.Recovery, "raw", log)
	if cfg.Destination == "" { // several destinations share the directory
		recovery.sweep()
	}
	if cfg.Delivery == "" || cfg.Delivery == inline {
		return &Method{}, nil
	}
	m := &Method{delivery: strings.TrimPrefix(cfg.Delivery, "one-"), name: cfg.Destination, recovery: recovery, log: log}
	err := m.use(cfg, cmp.Or(cfg.waits, defaultWaits()))
	if cfg.Destination == "" && err == nil {
		err = m.check(ctx)
	}
	if cfg.Destination != "" && err != nil {
		m.fail(err)
		err = nil
	}
	return m, m.notReady(err)
}

// use sets the functions of m.
func (m *Method) use(cfg Config, w waits) error {
	switch cfg.Delivery {
	case "file":
		f := newDirStore(cfg.Dir, cfg.Format, m.log)
		m.note, m.where = noteFile, "a new file in "+cfg.Dir
		m.ready = func(context.Context) error { return f.probe() }
		m.deliver = func(_ context.Context, k Key, v value) (string, error) { return f.put(k, v) }
		m.check, m.rehearse = m.ready, f.rehearse
	case "env-file", "one-file":
		f, err := newFixedFile(cfg, m.log)
		if err != nil {
			return err
		}
		m.note, m.where = noteFile, f.location()
		m.check, m.ready, m.deliver, m.rehearse = f.check, f.probe, f.put, f.rehearse
	case "keyring":
		s := newKeyringStore(w)
		m.note, m.where = "It was stored in the operating system's keychain. Only the user should read it there, not an assistant.", "the system keychain"
		m.check = s.exists // not probed: it may be locked until the user is there
		m.ready, m.deliver, m.rehearse = s.probe, s.put, s.rehearse
	case "command":
		m.where = "a command"
		c, err := newCommand(cfg.Command, cmp.Or(cfg.Timeout, 30*time.Second), w.cancelGrace)
		if err != nil {
			return err
		}
		m.note, m.where = "It was passed to this command, which the administrator configured.", "the command "+c.name()
		m.check, m.ready, m.deliver, m.rehearse = c.ready, c.ready, c.run, c.rehearse
	case "destination":
		m.fail(errNotChosen)
		m.where = "a destination that must be chosen"
		m.check = func(context.Context) error { return nil }
	default:
		return fmt.Errorf("unknown delivery %q", cfg.Delivery)
	}
	return nil
}

const noteFile = "It was written to a file that only the user who runs raff-mcp can read. Only the user should open it, not an assistant."

// fail makes every function of m return err.
func (m *Method) fail(err error) {
	m.check = func(context.Context) error { return err }
	m.ready = m.check
	m.deliver = func(context.Context, Key, value) (string, error) { return "", err }
	m.rehearse = func(context.Context, Key, value, *Rehearsal) error { return err }
}

var errNotChosen = errors.New("a destination must be chosen: pass deliver_to")

// Destination returns the name of the destination, or "" if this is not one that a call can
// choose.
func (m *Method) Destination() string { return m.name }

// Where returns where secrets go, to follow "goes to".
func (m *Method) Where() string {
	if m.Inline() {
		return "the result, where the assistant sees it"
	}
	return m.where
}

// Check returns an error if it can detect that the method does not work without a delivery,
// without writing anything that stays and without asking the user for anything, such as to
// unlock the keychain. The error is a *NotReadyError.
func (m *Method) Check(ctx context.Context) error {
	if m.Inline() {
		return nil
	}
	return m.notReady(m.check(ctx))
}

// Inline reports whether secrets are delivered in the result, where the assistant sees
// them.
func (m *Method) Inline() bool { return m.delivery == "" }

// Ready checks that a secret can be delivered now. It leaves nothing behind. Its error
// is a *NotReadyError. Call it before creating a secret.
//
// Ready and New also recover secrets from files that the program was writing when it was
// killed. The log says where such a secret is.
func (m *Method) Ready(ctx context.Context) error {
	if m.Inline() {
		return nil
	}
	m.recovery.sweep()
	return m.notReady(m.ready(ctx))
}

func (m *Method) notReady(err error) error {
	if err == nil {
		return nil
	}
	return &NotReadyError{m.delivery, m.name, err}
}

// Deliver delivers a secret. If ctx is cancelled, it continues for a few seconds. If
// delivery fails, it saves the secret in a recovery file and returns nil; the result and
// the log say where. The value is never put into the result instead. If saving fails
// too, the error is a *LostError, and nobody has the secret.
//
// The destination and the log may contain the key's ID, name and prefix, shortened if
// they are long, and no part of the secret but its public prefix.
func (m *Method) Deliver(ctx context.Context, key Key, secret raffclient.Secret) (Secret, error) {
	v := value(secret.Reveal())
	if m.Inline() {
		return Secret{
			Sensitive: true,
			Delivery:  inline,
			Value:     v,
			Note:      "Shown only once. Give it to the user once, in your reply, so that they can store it; do not write it anywhere else unless the user asks.",
		}, nil
	}
	key = key.sanitized(secret)
	location, err := m.deliver(ctx, key, v)
	if err == nil {
		return Secret{Sensitive: true, Delivery: m.delivery, Location: location, Destination: m.name, Fingerprint: secret.Fingerprint(), Note: m.note}, nil
	}
	file, saveErr := m.recovery.put(key, v)
	if saveErr != nil {
		return Secret{}, &LostError{m.how(), err, saveErr}
	}
	log := m.log
	if m.name != "" {
		log = log.With("destination", m.name)
	}
	log.Error("a secret could not be delivered and was saved in a file: move it to where it belongs", "key", key, "delivery", m.delivery, "error", err, "file", file)
	return Secret{
		Sensitive:   true,
		Delivery:    recovered,
		Location:    file,
		Destination: m.name,
		Fingerprint: secret.Fingerprint(),
		Note: fmt.Sprintf("It could not be delivered %s: %v. It was saved in a file that only the user who runs raff-mcp can read. "+
			"The user should move it to where it belongs and remove the file; an assistant must not open it.", m.how(), err),
	}, nil
}

// how says how a secret is delivered: "by command".
func (m *Method) how() string {
	if m.name != "" {
		return "to the destination " + m.name
	}
	return "by " + m.delivery
}

// NotReadyError reports that secrets cannot be delivered as configured.
type NotReadyError struct {
	// Delivery is the configured delivery: "file".
	Delivery string
	// Destination is the name of the destination that the call chose; "" if it chose none.
	Destination string
	// Err is the problem.
	Err error
}

// Error returns the problem on one line.
func (e *NotReadyError) Error() string {
	source := "--secrets=" + e.Delivery
	if e.Destination != "" {
		source = "destination " + e.Destination
	}
	return source + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *NotReadyError) Unwrap() error { return e.Err }

// LostError reports a secret that was neither delivered nor saved. Nobody has it.
type LostError struct {
	// How is how it should have been delivered: "by command".
	How string
	// Err is the error of the delivery.
	Err error
	// SaveErr is the error of saving the secret.
	SaveErr error
}

// Error returns both errors on one line.
func (e *LostError) Error() string {
	return fmt.Sprintf("delivering the secret %s failed (%v), and saving it failed too (%v)", e.How, e.Err, e.SaveErr)
}

// Unwrap returns both errors.
func (e *LostError) Unwrap() []error { return []error{e.Err, e.SaveErr} }

// value is a revealed secret. JSON contains it; fmt and slog print "[redacted]".
type value string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (value) LogValue() slog.Value { return slog.StringValue(redacted) }

// detach returns a context for a delivery that has begun. It ends after limit, or
// grace after ctx.
func detach(ctx context.Context, limit, grace time.Duration) (context.Context, context.CancelFunc) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(own, func() { timer.Stop() })
	})
	return own, func() { stop(); cancel() }
}
