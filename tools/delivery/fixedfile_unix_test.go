//go:build unix

package delivery_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// What is left in a shared directory is not trusted: a named pipe would block a read.
func TestSweepDoesNotBlock(t *testing.T) {
	cfg := envFile(t)
	b := newTarget(t, cfg, "A=1\n")
	left := filepath.Join(filepath.Dir(cfg.Path), ".raff-mcp-AAAA.new")
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(left, "contents"), 0o600); err != nil {
		t.Skip(err)
	}
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(left, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	if err := b.way.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	onlyFile(t, cfg.Path)
}
