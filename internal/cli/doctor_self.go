package cli

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

// doctorSelf checks the program as it is started here.
func (p *program) doctorSelf(cmd *cobra.Command, flags doctorFlags) doctor.Result {
	c := doctor.SelfConfig{Rehearse: flags.rehearse, Home: p.homeDir(), KeyFile: p.keyFile()}
	if s, err := p.newSetup(cmd); err != nil {
		c.Err = err
	} else {
		c.Config, c.Client, c.Delivery = s.cfg, s.tools.Client, s.deliveryConfig()
	}
	r := doctor.Self(cmd.Context(), c)
	if !p.json {
		_ = r.WriteText(p.stdout) // finishDoctor reports what failed
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

// keyFile returns the path of the file from which the key is read, or "".
func (p *program) keyFile() string {
	path := strings.TrimSpace(p.env.Getenv("RAFF_API_KEY_FILE"))
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		path = filepath.Join(p.homeDir(), rest)
	}
	return path
}
