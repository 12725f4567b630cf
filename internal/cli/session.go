package cli

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// A session is the state that the commands that use the tools have in common.
type session struct {
	cfg     config.Config
	log     *slog.Logger
	tools   tools.Config
	serving bool // a problem with the key is logged, because only a client learns of it otherwise
}

// newSession loads the configuration, starts the log and configures the tools, except for
// the delivery of secrets (see addDelivery). It sends nothing, and does not read the key.
func (p *program) newSession(cmd *cobra.Command) (*session, error) {
	cfg, err := config.Load(cmd.Flags(), p.env, choices())
	if err != nil {
		return nil, usageError{err}
	}
	if f, ok := p.stdout.(*os.File); ok && wasClosed(f) {
		return nil, usageError{message("standard output is closed, so every result would be lost. Open it.")}
	}
	log := newLogger(p.stderr, cfg.LogLevel, cfg.LogFormat, cfg.LogColor)
	for _, w := range cfg.Warnings {
		log.Warn(w)
	}
	s := &session{cfg: cfg, log: log}
	if err := s.configureTools(); err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

func (s *session) configureTools() (err error) {
	cfg := s.cfg
	s.tools = tools.Config{
		Sandbox:  cfg.Sandbox,
		Version:  version,
		Logger:   s.log,
		ReadOnly: cfg.ReadOnly,
		Toolsets: cfg.Toolsets,
		Confirm:  tools.Confirm(cfg.Confirm),

		Destinations: offeredDestinations(cfg.Destinations),
		MustChoose:   cfg.Secrets.Delivery == "destination",
	}
	c := raffclient.Config{
		BaseURL:   cfg.APIURL,
		ProjectID: cfg.ProjectID,
		UserAgent: "raff-mcp/" + version,
		Logger:    s.log,
		OnWait:    tools.OnWait,
		SharedDir: cfg.SharedDir,
	}
	if cfg.Sandbox {
		api := sandbox.New()
		c.APIKey, c.BaseURL, c.Transport, c.SharedDir = api.OwnerKey(), "", api.Transport(), ""
	} else {
		c.ReadKey = s.readKey
		s.tools.KeySource = func() tools.KeySource { return tools.KeySource{Name: cfg.Keys.Source(), Fixed: cfg.Keys.Fixed()} }
	}
	s.tools.Client, err = raffclient.New(c)
	return err
}

// readKey reads the server's own key and logs that: who looks at the log of an incident can
// tell which keys the server used. The log contains no more of a key than its public prefix.
func (s *session) readKey(ctx context.Context) (raffclient.Secret, error) {
	key, err := s.cfg.Keys.Read(ctx)
	for _, w := range key.Warnings {
		s.log.Warn(w)
	}
	switch {
	case err == nil:
		s.tools.Logger.Info("read the server's API key", "source", key.Source, "key_prefix", key.Secret.PublicPrefix())
	case s.serving && !errors.Is(ctx.Err(), context.Canceled):
		s.logNoKey(err)
	}
	return key.Secret, err
}

func (s *session) logNoKey(problem error) {
	s.log.Warn("no usable API key: every call returns an error that says what is wrong", "problem", problem.Error())
}

// addDelivery prepares the delivery of new secrets. It returns an error if the destination
// does not work, as far as that can be detected without a delivery.
func (s *session) addDelivery(ctx context.Context) error {
	secrets, err := delivery.New(ctx, s.deliveryConfig())
	if err != nil {
		return usageError{err}
	}
	s.tools.Secrets = secrets
	return s.addDestinations(ctx)
}

// deliveryConfig returns how new secrets are delivered.
func (s *session) deliveryConfig() delivery.Config {
	return delivery.Config{
		Delivery: s.cfg.Secrets.Delivery,
		Dir:      s.cfg.Secrets.Dir,
		Format:   s.cfg.Secrets.Format,
		Command:  s.cfg.Secrets.Command,
		Recovery: s.cfg.Secrets.Recovery,
		Logger:   s.log,
	}
}

// apiName returns the name of the API for the log.
func apiName(cfg config.Config) string {
	if cfg.Sandbox {
		return "sandbox"
	}
	return cmp.Or(cfg.APIURL, raffclient.DefaultBaseURL)
}
