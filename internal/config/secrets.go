package config

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Secrets configures where new secrets go.
type Secrets struct {
	Delivery string // "inline", "file", "keyring", "command" or "destination" (one must be chosen)
	Dir      string // for "file": an absolute path
	Format   string // for "file": "raw" or "env"
	Command  string // for "command"
	// Recovery is the absolute path of the directory for secrets that could not be
	// delivered. It is "" if Delivery is "inline" and there are no destinations, or without
	// a home directory.
	Recovery string
}

var defaultSecrets = Secrets{Delivery: "inline", Dir: "~/.raff/secrets", Format: "raw"}

func (c *Config) setSecrets(value string) (err error) {
	c.Secrets.Delivery, err = oneOf(value, deliveries...)
	return err
}

// errEmbeddedKey is the error of a path or a command that contains a key, because others
// can read both.
const errEmbeddedKey = message("contains what looks like a key. Remove it: other users can read it there.")

func (c *Config) setSecretsDir(value string) error {
	switch {
	case raffclient.ContainsKey(value):
		return errEmbeddedKey
	case !filepath.IsAbs(value) && !strings.HasPrefix(value, "~/"):
		return errors.New("must be an absolute path or begin with ~/")
	}
	c.Secrets.Dir = value
	return nil
}

func (c *Config) setSecretsFormat(value string) (err error) {
	c.Secrets.Format, err = oneOf(value, secretsFormats...)
	return err
}

func (c *Config) setSecretsCommand(value string) error {
	if raffclient.ContainsKey(value) {
		return errEmbeddedKey
	}
	c.Secrets.Command = value
	return nil
}

// complete checks that the settings are consistent, and resolves the directories. A
// setting without effect is an error: who sets a directory wants secrets to go there, and
// not to the assistant.
func (s *Secrets) complete(home string, destinations bool) error {
	switch {
	case s.Delivery != "file" && s.Dir != defaultSecrets.Dir:
		return message("--secrets-dir: has no effect without --secrets=file. Set both or neither.")
	case s.Delivery != "file" && s.Format != defaultSecrets.Format:
		return message("--secrets-format: has no effect without --secrets=file. Set both or neither.")
	case s.Delivery != "command" && s.Command != "":
		return message("--secrets-command: has no effect without --secrets=command. Set both or neither.")
	case s.Delivery == "command" && s.Command == "":
		return message("--secrets=command: needs --secrets-command. Set it to the command that reads the secrets.")
	case s.Delivery == "destination" && !destinations:
		return message("--secrets=destination: no destination is configured. Add destinations: to ~/.raff/mcp.yaml, with a name and a place for each.")
	case s.Delivery == "inline" && !destinations:
		return nil
	}
	if home != "" {
		s.Recovery = filepath.Join(home, ".raff", "recovered")
	}
	if s.Delivery != "file" {
		return nil
	}
	dir, ok := expandHome(s.Dir, home)
	if !ok {
		return message("--secrets-dir: there is no home directory. Set it to an absolute path.")
	}
	s.Dir = dir
	return nil
}
