// Package delivery gives a one-time secret to whoever is to have it.
//
// How is the administrator's choice and never the model's: inline, in the
// tool's result, where the assistant and the provider of its model can read it;
// or into a file, the operating system's keychain or a command, so that neither
// ever sees it. A tool asks Ready before it makes a secret, and then hands it to
// Deliver.
package delivery

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Secret is what a tool's result says about a secret. It carries its own flag:
// no field of MCP marks a secret, and what stands in the result itself is the
// one mark that reaches every client.
type Secret struct {
	Sensitive bool   `json:"sensitive" jsonschema_description:"Always true: do not repeat, log or store the value."`
	Delivery  string `json:"delivery" jsonschema_description:"How the secret was handed over: inline, file, keyring, command, or recovered (saved, because the configured way failed)."`
	Value     value  `json:"value,omitempty" jsonschema:"format=password" jsonschema_description:"The secret itself, shown this once; only if it was delivered inline." jsonschema_extras:"x-sensitive=true"`
	Location  string `json:"location,omitempty" jsonschema_description:"Where the secret is, or how the user reads it; if it was not delivered inline."`
	Note      string `json:"note"`
}

// Shown reports whether the value itself is there.
func (s Secret) Shown() bool { return s.Value != "" }

// Describe tells an assistant where the secret is, in whole sentences.
func (s Secret) Describe() string {
	switch {
	case s.Shown():
		return "Its secret is secret.value of the structured result, shown this once: make sure the user stores it, and do not repeat it."
	case s.Delivery == recovered:
		return fmt.Sprintf("Its secret is not in this result. %s It is in the file %s.", s.Note, s.Location)
	}
	return fmt.Sprintf("Its secret is not in this result (%s: %s). %s", s.Delivery, s.Location, s.Note)
}

// Config says how secrets are handed over.
type Config struct {
	// Delivery is "inline" (the default), "file", "keyring" or "command".
	Delivery string
	// Dir is the directory for "file", an absolute path. It is made if it does
	// not exist.
	Dir string
	// Format is what a file for "file" holds: "raw" (the default), the secret and
	// nothing else, or "env", a line RAFF_API_KEY=….
	Format string
	// Command is the command for "command", as words. It gets the secret on its
	// standard input. What it prints is discarded.
	Command string
	// Timeout is how long the command may take. Default: 30 s.
	Timeout time.Duration
	// Recovery is the directory in which a secret is saved if it could not be
	// handed over; an absolute path. If it is empty, nothing is saved.
	Recovery string
	// Logger is told what was saved, and why. Default: nothing is logged.
	Logger *slog.Logger
}

// Method is a way of handing a secret over. The zero Method is inline. It is safe for
// use by several goroutines.
type Method struct {
	delivery string // "" is inline
	note     string
	ready    func(context.Context) error
	deliver  func(context.Context, Key, value) (location string, err error)
	recovery dirStore
	log      *slog.Logger
}

const (
	inline    = "inline"
	recovered = "recovered"
)

// New returns the way that cfg describes. What is seen to be wrong without
// handing over anything is an error: a directory that cannot be written to, a
// keychain or a command that does not exist.
func New(ctx context.Context, cfg Config) (*Method, error) {
	if cfg.Delivery == "" || cfg.Delivery == inline {
		return &Method{}, nil
	}
	log := cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	m := &Method{delivery: cfg.Delivery, recovery: newDirStore(cfg.Recovery, "raw", log), log: log}
	m.recovery.sweep()
	switch cfg.Delivery {
	case "file":
		f := newDirStore(cfg.Dir, cfg.Format, log)
		m.note = "It was written to a file that only the user who runs raff-mcp can read. Tell the user where it is, and do not open it."
		m.ready = func(context.Context) error { return f.probe() }
		m.deliver = func(_ context.Context, k Key, v value) (string, error) { return f.put(k, v) }
		return m, m.notReady(m.ready(ctx))
	case "keyring":
		s := newKeyringStore()
		m.note = "It was stored in the operating system's keychain. Tell the user how to read it, and do not run that yourself."
		m.ready, m.deliver = s.probe, s.put
		return m, m.notReady(s.exists(ctx)) // not probed: it may be locked until the user comes
	case "command":
		c, err := newCommand(cfg.Command, cmp.Or(cfg.Timeout, 30*time.Second))
		if err != nil {
			return nil, m.notReady(err)
		}
		m.note = "It was given to this command, which the administrator chose. Tell the user so."
		m.ready, m.deliver = c.ready, c.run
		return m, nil
	}
	return nil, fmt.Errorf("there is no way %q to hand over a secret", cfg.Delivery)
}

// Inline reports whether secrets are handed over in the result, for the
// assistant to see.
func (m *Method) Inline() bool { return m.delivery == "" }

// Ready tries whether a secret could be handed over now, and leaves nothing
// behind. Its error is a *NotReadyError. Call it before making a secret.
//
// Ready and New also look for what was left when the program was killed while it
// wrote a secret to a file. The log says where such a secret is now.
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
	return &NotReadyError{m.delivery, err}
}

// Deliver hands a secret over. It sees that through even if ctx is cancelled,
// though not for long. If it cannot, it saves the secret in a file, which is a
// success that the result and the log tell of; the value is never put into the
// result instead. If that fails too, the error is a *LostError, and the secret is
// gone.
//
// Where the secret goes and what the log says may contain the key's ID, name and
// prefix, shortened if they are long, and without any part of the secret but its
// public beginning.
func (m *Method) Deliver(ctx context.Context, key Key, secret raffclient.Secret) (Secret, error) {
	v := value(secret.Reveal())
	if m.Inline() {
		return Secret{
			Sensitive: true,
			Delivery:  inline,
			Value:     v,
			Note:      "Shown once. Give it to the user now to store it; do not repeat it in later messages, write it to files or log it.",
		}, nil
	}
	key = key.sanitized(v)
	location, err := m.deliver(ctx, key, v)
	if err == nil {
		return Secret{Sensitive: true, Delivery: m.delivery, Location: location, Note: m.note}, nil
	}
	file, saveErr := m.recovery.put(key, v)
	if saveErr != nil {
		return Secret{}, &LostError{m.delivery, err, saveErr}
	}
	m.log.Error("a secret could not be handed over and was saved in a file: move it to where it belongs", "key", key, "way", m.delivery, "error", err, "file", file)
	return Secret{
		Sensitive: true,
		Delivery:  recovered,
		Location:  file,
		Note: fmt.Sprintf("It could not be delivered by %s: %v. It was saved in a file that only the user who runs raff-mcp can read. "+
			"Tell the user to move it to where it belongs and to remove the file; do not open it.", m.delivery, err),
	}, nil
}

// NotReadyError reports that secrets cannot be handed over as configured.
type NotReadyError struct {
	// Delivery is how they were to be: "file".
	Delivery string
	// Err is what is wrong.
	Err error
}

// Error returns what is wrong, in one line.
func (e *NotReadyError) Error() string { return "--secrets=" + e.Delivery + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *NotReadyError) Unwrap() error { return e.Err }

// LostError reports a secret that was neither handed over nor saved. Nobody has
// it.
type LostError struct {
	// Delivery is how it was to be handed over: "file".
	Delivery string
	// Err is why it was not.
	Err error
	// SaveErr is why it was not saved.
	SaveErr error
}

// Error returns both reasons, in one line.
func (e *LostError) Error() string {
	return fmt.Sprintf("handing the secret over by %s failed (%v), and saving it failed too (%v)", e.Delivery, e.Err, e.SaveErr)
}

// Unwrap returns both reasons.
func (e *LostError) Unwrap() []error { return []error{e.Err, e.SaveErr} }

// value is a revealed secret on its way out: JSON shows it, while fmt and slog
// do not.
type value string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (value) LogValue() slog.Value { return slog.StringValue(redacted) }

// cancelGrace is how long a handover may go on after the call was cancelled or cut
// off. It is shorter than what a server that ends allows.
const cancelGrace = 5 * time.Second

// detach returns a context for handing a secret over that has begun: it outlasts
// ctx, but by no more than cancelGrace, and lasts no longer than limit.
func detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(cancelGrace, cancel)
		context.AfterFunc(own, func() { timer.Stop() })
	})
	return own, func() { stop(); cancel() }
}
