package cli

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// secrets is what was said about where new secrets go.
type secrets struct {
	delivery string // "inline", "file", "keyring" or "command"
	dir      string // absolute, or with ~/ for the home directory
	format   string // "raw" or "env"
	command  string // "" for none
	recovery string // absolute; "" if secrets are inline, or for want of a home directory
}

var defaultSecrets = secrets{delivery: "inline", dir: "~/.raff/secrets", format: "raw"}

func (c *config) setSecrets(value string) (err error) {
	c.secrets.delivery, err = oneOf(value, "inline", "file", "keyring", "command")
	return err
}

// keyInside matches a key in a path or a command, where everybody could read it.
var keyInside = regexp.MustCompile(`raff_[0-9a-f]{8}`)

var errKeyInside = errors.New("holds what looks like a key")

func (c *config) setSecretsDir(value string) error {
	switch {
	case keyInside.MatchString(value):
		return errKeyInside
	case !filepath.IsAbs(value) && !strings.HasPrefix(value, "~/"):
		return errors.New("must be an absolute path, or begin with ~/")
	}
	c.secrets.dir = value
	return nil
}

func (c *config) setSecretsFormat(value string) (err error) {
	c.secrets.format, err = oneOf(value, "raw", "env")
	return err
}

func (c *config) setSecretsCommand(value string) error {
	if keyInside.MatchString(value) {
		return errKeyInside
	}
	c.secrets.command = value
	return nil
}

// complete checks that the settings belong together, and finds the directories.
// A setting that would have no effect is an error: whoever names a directory means
// secrets to go there, and not to the assistant.
func (s *secrets) complete(home string) error {
	switch {
	case s.delivery != "file" && s.dir != defaultSecrets.dir:
		return errors.New("--secrets-dir: has no effect without --secrets=file")
	case s.delivery != "file" && s.format != defaultSecrets.format:
		return errors.New("--secrets-format: has no effect without --secrets=file")
	case s.delivery != "command" && s.command != "":
		return errors.New("--secrets-command: has no effect without --secrets=command")
	case s.delivery == "command" && s.command == "":
		return errors.New("--secrets=command: needs --secrets-command")
	case s.delivery == "inline":
		return nil
	}
	if home != "" {
		s.recovery = filepath.Join(home, ".raff", "recovered")
	}
	if rest, ok := strings.CutPrefix(s.dir, "~/"); ok && s.delivery == "file" {
		if home == "" {
			return errors.New("--secrets-dir: there is no home directory")
		}
		s.dir = filepath.Join(home, rest)
	}
	return nil
}

// way returns the way that was said. It must work as far as that can be seen now.
func (s secrets) way(ctx context.Context, log *slog.Logger) (*delivery.Way, error) {
	return delivery.New(ctx, delivery.Config{
		Delivery: s.delivery,
		Dir:      s.dir,
		Format:   s.format,
		Command:  s.command,
		Recovery: s.recovery,
		Logger:   log,
	})
}
