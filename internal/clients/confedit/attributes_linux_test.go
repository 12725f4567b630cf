package confedit

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWriteKeepsAttributes(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	if err := unix.Setxattr(path, "user.note", []byte("mine"), 0); errors.Is(err, unix.ENOTSUP) {
		t.Skip("the file system has no extended attributes")
	} else if err != nil {
		t.Fatal(err)
	}
	_, err := mustRead(t, path).Write([]byte(newText))
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 100)
	if n, err := unix.Getxattr(path, "user.note", value); err != nil || string(value[:n]) != "mine" {
		t.Errorf("got %q, %v", value[:max(n, 0)], err)
	}
}

// An access control list stays, with the mode that it determines.
func TestWriteKeepsAccessControlList(t *testing.T) {
	t.Parallel()
	path := tempFile(t)
	// user::rw-, user:1234:rw-, group::r--, mask::rw-, other::---
	list := []byte{2, 0, 0, 0,
		1, 0, 6, 0, 255, 255, 255, 255,
		2, 0, 6, 0, 0xd2, 4, 0, 0,
		4, 0, 4, 0, 255, 255, 255, 255,
		0x10, 0, 6, 0, 255, 255, 255, 255,
		0x20, 0, 0, 0, 255, 255, 255, 255,
	}
	const name = "system.posix_acl_access"
	if err := unix.Setxattr(path, name, list, 0); errors.Is(err, unix.ENOTSUP) {
		t.Skip("the file system has no access control lists")
	} else if err != nil {
		t.Fatal(err)
	}
	before := mustRead(t, path)
	if _, err := before.Write([]byte(newText)); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 100)
	n, err := unix.Getxattr(path, name, value)
	if err != nil || string(value[:n]) != string(list) {
		t.Errorf("got %v, %v", value[:max(n, 0)], err)
	}
	if after := mustRead(t, path); after.info.Mode() != before.info.Mode() {
		t.Errorf("got mode %v, want %v", after.info.Mode(), before.info.Mode())
	}
}
