package delivery

import (
	"log/slog"
	"os"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

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

// The rest is for tests of its own.
var (
	SplitWords = splitWords
	Sanitized  = func(k Key, secret string) Key { return k.sanitized(raffclient.NewSecret(secret)) }
)
