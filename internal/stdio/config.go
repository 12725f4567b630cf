package stdio

import (
	"cmp"
	"errors"
	"log/slog"
)

// Config configures [Serve]. The zero value is ready for use.
type Config struct {
	// MaxLine is the limit for the bytes of a line; default 4 MiB. A longer line is
	// skipped without storing it, and the error response to it has no id.
	MaxLine int

	// Logger receives what happens to messages, never what they contain; nil: discard.
	Logger *slog.Logger

	// Hurry, once closed, ends Serve within five seconds: calls in flight are cut
	// off immediately, and the functions registered with OnUndelivered run. It may
	// be nil.
	Hurry <-chan struct{}

	maxCalls int // requests processed at once, before others wait; default 1000
}

const (
	defaultMaxLine  = 4 << 20
	defaultMaxCalls = 1000
)

// withDefaults returns c with defaults for what is not set.
func (c Config) withDefaults() Config {
	c.MaxLine = cmp.Or(c.MaxLine, defaultMaxLine)
	c.maxCalls = cmp.Or(c.maxCalls, defaultMaxCalls)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// The causes, by [context.Cause], for which the context of a call is cancelled.
var (
	errCancelled  = errors.New("cancelled by the client")
	errClientGone = errors.New("the client is gone")
	errCutOff     = errors.New("cut off: the server is ending")
)
