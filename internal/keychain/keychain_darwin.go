package keychain

import (
	"fmt"
	"os/exec"
)

// exists returns ErrAbsent without the program with which the keyring library uses the
// Keychain.
func exists() error {
	const program = "/usr/bin/security"
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("%w: %s cannot be run", ErrAbsent, program)
	}
	return nil
}

// HowToRead returns a command that prints the value of an account. It decodes the value,
// because the keyring library encodes it.
func HowToRead(account string) string {
	return "security find-generic-password -s " + Service + " -a " + account + " -w | cut -d: -f2 | base64 --decode"
}
