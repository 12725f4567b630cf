package cli

import (
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

// doctorSelf checks the program as it is started here.
func (p *program) doctorSelf(cmd *cobra.Command, flags doctorFlags) doctor.Result {
	c := doctor.SelfConfig{Rehearse: flags.rehearse, Home: p.homeDir(), KeyFile: config.KeyFile(p.env)}
	if c.Config, c.Err = config.Load(cmd.Flags(), p.env, choices()); c.Err == nil {
		// What the client logs is in the checks. Only delivery may have something else to
		// say: where it has found a secret that was lost.
		quiet := session{cfg: c.Config, log: slog.New(slog.DiscardHandler)}
		c.Err = quiet.configureTools()
		c.Client = quiet.tools.Client
		if !c.Config.Sandbox {
			key, err := c.Config.Keys.Read(cmd.Context())
			c.KeyProblem = err
			c.Config.Warnings = append(c.Config.Warnings, key.Warnings...)
		}
		s := session{cfg: c.Config, log: newLogger(p.stderr, c.Config.LogLevel, c.Config.LogFormat, c.Config.LogColor)}
		c.Delivery = s.deliveryConfig()
	}
	r := doctor.Self(cmd.Context(), c)
	if !p.json && cmd.Context().Err() == nil {
		_ = r.WriteText(p.stdout) // the exit code says the same
	}
	return r
}

// homeDir returns the home directory, or "" if there is none.
func (p *program) homeDir() string {
	dir, err := p.env.Home()
	if err != nil || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}
