package cli

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// A setup is the state that the commands that use the tools have in common.
type setup struct {
	cfg   config.Config
	log   *slog.Logger
	tools tools.Config
}

// newSetup loads the configuration, starts the log and configures the tools, except for
// the delivery of secrets (see addDelivery). It sends nothing.
func (p *program) newSetup(cmd *cobra.Command) (*setup, error) {
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
	t, err := newToolsConfig(cfg, log)
	if err != nil {
		return nil, usageError{err}
	}
	return &setup{cfg: cfg, log: log, tools: t}, nil
}

func newToolsConfig(cfg config.Config, log *slog.Logger) (tools.Config, error) {
	t := tools.Config{
		Problem:   cfg.KeyProblem,
		Sandbox:   cfg.Sandbox,
		Version:   version,
		Logger:    log,
		KeySource: cfg.KeySource,
		ReadOnly:  cfg.ReadOnly,
		Toolsets:  cfg.Toolsets,
		Confirm:   tools.Confirm(cfg.Confirm),

		Destinations: offeredDestinations(cfg.Destinations),
		MustChoose:   cfg.Secrets.Delivery == "destination",
	}
	if cfg.KeyProblem != nil {
		return t, nil
	}
	c := raffclient.Config{
		APIKey:    cfg.Key,
		BaseURL:   cfg.APIURL,
		ProjectID: cfg.ProjectID,
		UserAgent: "raff-mcp/" + version,
		Logger:    log,
		OnWait:    tools.OnWait,
	}
	if cfg.Sandbox {
		api := sandbox.New()
		c.APIKey, c.BaseURL, c.Transport = api.OwnerKey(), "", api.Transport()
	}
	var err error
	t.Client, err = raffclient.New(c)
	return t, err
}

// addDelivery prepares the delivery of new secrets. It returns an error if the destination
// does not work, as far as that can be detected without a delivery.
func (s *setup) addDelivery(ctx context.Context) error {
	secrets, err := delivery.New(ctx, s.deliveryConfig())
	if err != nil {
		return usageError{err}
	}
	s.tools.Secrets = secrets
	return s.addDestinations(ctx)
}

// deliveryConfig returns how new secrets are delivered.
func (s *setup) deliveryConfig() delivery.Config {
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
