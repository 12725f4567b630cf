//go:build unix

package raffclient_test

import (
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A named pipe in place of a file delays nothing.
func TestSharingThroughPipes(t *testing.T) {
	for _, suffix := range []string{"", ".lock"} {
		t.Run("state"+suffix, func(t *testing.T) {
			dir := usedDir(t)
			file := stateFile(t, dir) + suffix
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mkfifo(file, 0o600); err != nil {
				t.Skip(err)
			}
			synctest.Test(t, func(t *testing.T) {
				_, c := newUserOf(t, dir)
				if took := createMany(t.Context(), t, c, 29); took > time.Second {
					t.Errorf("29 creations took %v", took)
				}
			})
		})
	}
}
