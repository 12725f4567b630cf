package stdio

import (
	"cmp"
	"errors"
	"log/slog"
)

// Config configures [Serve]. The zero value is ready for use.
type Config struct {
	// MaxLine is the maximum length of a line in bytes. A longer line is skipped without
	// storing it, and the error response to it has no id. Default: 4 MiB.
	MaxLine int

	// Logger records what happens to messages, and never their content. Default:
	// nothing is logged.
	Logger *slog.Logger

	// CutOff, once closed, ends Serve within five seconds: calls in flight are cut
	// off immediately, and the functions registered with OnUndelivered run. It may
	// be nil.
	CutOff <-chan struct{}

	maxCalls int // maximum number of requests that are processed at once; default 1000
}

const (
	defaultMaxLine  = 4 << 20
	defaultMaxCalls = 1000
)

// withDefaults returns c with defaults for the fields that are not set.
func (c Config) withDefaults() Config {
	c.MaxLine = cmp.Or(c.MaxLine, defaultMaxLine)
	c.maxCalls = cmp.Or(c.maxCalls, defaultMaxCalls)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// The causes (see [context.Cause]) for which the context of a call is cancelled.
var (
	errCancelled  = errors.New("cancelled by the client")
	errClientGone = errors.New("the client is gone")
	errCutOff     = errors.New("cut off: the server is ending")
)
