package cli

import (
	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// serve serves MCP on standard input and output.
func (p *program) serve(cmd *cobra.Command, _ []string) error {
	s, err := p.newSetup(cmd)
	if err != nil {
		return err
	}
	if err := s.addDelivery(cmd.Context()); err != nil {
		return err
	}
	if s.cfg.KeyProblem != nil {
		s.log.Warn("no usable API key: every call will be answered with what is wrong", "problem", s.cfg.KeyProblem.Error())
	}
	s.log.Info("serving MCP on standard input and output", "version", version, "api", apiName(s.cfg))
	return stdio.Serve(cmd.Context(), tools.NewServer(s.tools), p.stdin, p.stdout, stdio.Config{Logger: s.log, CutOff: p.secondSignal})
}
