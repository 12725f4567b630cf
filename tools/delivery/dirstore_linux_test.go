package delivery_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// smallDisk mounts a file system of one's own, so small that it is soon full.
func smallDisk(t *testing.T) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("cannot mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func fill(t *testing.T, dir string) {
	t.Helper()
	err := os.WriteFile(filepath.Join(dir, "filler"), make([]byte, 1<<20), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
}

func TestFullDisk(t *testing.T) {
	disk := smallDisk(t)
	b := newBench(t, delivery.Config{Delivery: "file", Dir: filepath.Join(disk, "secrets")})
	if got, err := b.deliver(t); err != nil || got.Delivery != "file" {
		t.Fatalf("got %+v, %v", got, err)
	}
	fill(t, disk)
	err := b.way.Ready(t.Context())
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Ready: got %v", err)
	}
	contains(t, err.Error(), b.dir, "no space left on device")
	b.recovers(t, "no space left on device")
	if all := files(t, b.dir); len(all) != 1 {
		t.Errorf("got %q, want the first file", all)
	}
	if _, err := delivery.New(t.Context(), delivery.Config{Delivery: "file", Dir: b.dir}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("New: got %v", err)
	}
}

func TestFullDiskEverywhere(t *testing.T) {
	disk := smallDisk(t)
	b := newBench(t, delivery.Config{Delivery: "file", Dir: filepath.Join(disk, "secrets"), Recovery: filepath.Join(disk, "recovered")})
	fill(t, disk)
	_, err := b.deliver(t)
	if _, ok := errors.AsType[*delivery.LostError](err); !ok || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if got := holders(t, disk); len(got) != 0 {
		t.Errorf("the secret is in %q", got)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	disk := smallDisk(t)
	b := newBench(t, delivery.Config{Delivery: "file", Dir: filepath.Join(disk, "secrets")})
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err := b.way.Ready(t.Context())
	if err == nil {
		t.Fatal("Ready: got no error")
	}
	contains(t, err.Error(), b.dir, "read-only file system")
	b.recovers(t, "read-only file system")
}

// A directory without write permission, for those whom that stops.
func TestUnwritableDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write all the same")
	}
	b := newBench(t, delivery.Config{Delivery: "file"})
	if err := os.Chmod(b.dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(b.dir, 0o700)
	err := b.way.Ready(t.Context())
	if err == nil {
		t.Fatal("Ready: got no error")
	}
	contains(t, err.Error(), "permission denied")
	b.recovers(t, "permission denied")
}

// Somebody swaps the directory for a symbolic link, and back, all the time: no
// secret goes where the link leads.
func TestDirectorySwapped(t *testing.T) {
	t.Parallel()
	b := newBench(t, delivery.Config{Delivery: "file"})
	trap, link := filepath.Join(b.home, "trap"), filepath.Join(b.home, "link")
	if err := errors.Join(os.Mkdir(trap, 0o700), os.Symlink(trap, link)); err != nil {
		t.Fatal(err)
	}
	swap := func() error {
		return unix.Renameat2(unix.AT_FDCWD, b.dir, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE)
	}
	if err := swap(); err != nil {
		t.Skipf("this file system cannot swap: %v", err)
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_ = swap()
			}
		}
	}()
	ways := map[string]int{}
	for i := range 150 {
		secret := secretOf(fmt.Sprint(i))
		got, err := b.way.Deliver(t.Context(), delivery.Key{Name: "x", Prefix: secret[:13]}, raffclient.NewSecret(secret))
		if err != nil {
			t.Fatal(err)
		}
		ways[got.Delivery]++
	}
	close(stop)
	<-stopped
	if all := files(t, trap); len(all) != 0 {
		t.Errorf("secrets followed the link: %q", all)
	}
	for _, path := range files(t, b.home) {
		if !isWhole(readFile(t, path)) {
			t.Errorf("%s is not whole", path)
		}
	}
	if n := len(files(t, b.home)); n != 150 {
		t.Errorf("got %d files for 150 secrets", n)
	}
	t.Logf("got %v", ways)
}

// A symbolic link in place of a temporary file is left alone, with what it leads to.
func TestSweepLink(t *testing.T) {
	cfg := makeDirs(t)
	target := filepath.Join(cfg.Recovery, "target")
	link := filepath.Join(cfg.Recovery, fmt.Sprintf(".raff-mcp-ABC.%d.x.key.part", len(secret)))
	if err := errors.Join(os.WriteFile(target, []byte(secret), 0o600), os.Symlink("target", link)); err != nil {
		t.Fatal(err)
	}
	old := unix.NsecToTimespec(time.Now().Add(-time.Hour).UnixNano())
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, link, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, cfg)
	if to, err := os.Readlink(link); err != nil || to != "target" || b.log.Len() != 0 {
		t.Errorf("got %s, %v, log %s", to, err, &b.log)
	}
	if got := files(t, cfg.Recovery); !slices.Equal(got, []string{target}) || readFile(t, target) != secret {
		t.Errorf("got %q", got)
	}
}
