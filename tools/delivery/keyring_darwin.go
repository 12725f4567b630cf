package delivery

import (
	"os/exec"

	"github.com/rafftechnologies/raff-mcp/internal/commandline"
)

func keychainExists() error {
	_, err := exec.LookPath("/usr/bin/security")
	return commandline.TrimExec(err)
}

// howToRead returns a command that prints the secret. It decodes the value, because the
// keyring library encodes it.
func howToRead(account string) string {
	return "security find-generic-password -s " + service + " -a " + account + " -w | cut -d: -f2 | base64 --decode"
}
