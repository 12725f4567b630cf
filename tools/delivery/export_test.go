package delivery

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// WithWaits returns c with other waits after a cancellation and for a keychain.
func (c Config) WithWaits(cancelGrace, keychain time.Duration) Config {
	c.waits = waits{cancelGrace: cancelGrace, probe: keychain, store: keychain}
	return c
}

// Detach returns the context of a delivery, for a call whose context is ctx.
func Detach(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return detach(ctx, limit, defaultWaits().cancelGrace)
}

// PutSyncing puts a secret into a directory, and syncs by calling sync.
func PutSyncing(dir string, k Key, secret string, sync func(*os.File) error) (path string, err error) {
	f := newDirStore(dir, "raw", slog.New(slog.DiscardHandler))
	f.sync = sync
	return f.put(k, value(secret))
}

// SweepSyncing does what a start does with a directory, and syncs by calling sync.
func SweepSyncing(dir string, sync func(*os.File) error) {
	f := newDirStore(dir, "raw", slog.New(slog.DiscardHandler))
	f.sync = sync
	f.sweep()
}

// Sanitized returns k as it is passed on beside that secret.
func Sanitized(k Key, secret string) Key { return k.sanitized(raffclient.NewSecret(secret)) }

// PutInFile puts a secret into the file of a destination, and syncs by calling sync.
func PutInFile(cfg Config, secret string, sync func(*os.File) error) (location string, err error) {
	f, err := newFixedFile(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	f.sync = sync
	return f.put(context.Background(), Key{}, value(secret))
}
