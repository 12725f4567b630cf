package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// terminalHint is for somebody who starts the server by hand.
const terminalHint = `raff-mcp is waiting for an MCP client, which starts it and speaks with it over stdin and
stdout. Press Ctrl-C to leave. "raff-mcp call --help" says how to call a tool by hand, and
the README how to connect a client.
`

// serve serves MCP on standard input and output.
func (p *program) serve(cmd *cobra.Command, _ []string) error {
	s, err := p.newSession(cmd)
	if err != nil {
		return err
	}
	if err := s.addDelivery(cmd.Context()); err != nil {
		return err
	}
	if err := s.addActivity(); err != nil {
		return err
	}
	defer s.tools.Activity.Close(activityGrace)
	s.serving = true
	if !s.cfg.Sandbox {
		if err := s.cfg.Keys.Problem(); err != nil {
			s.logNoKey(err)
		}
	}
	if p.env.StdinIsTerminal {
		fmt.Fprint(p.stderr, terminalHint)
	}
	defer s.checkDestinations(cmd.Context())()
	s.log.Info("serving MCP on standard input and output", s.startAttrs()...)
	return stdio.Serve(cmd.Context(), tools.NewServer(s.tools), p.stdin, p.stdout, stdio.Config{Logger: s.log, CutOff: p.secondSignal})
}

// startAttrs describes the configuration for the log: who looks at the log of an incident
// can tell what the server was permitted to do, and where it looked for its key. Which key
// that was is not known before it is read, which is a record of its own: see readKey.
func (s *session) startAttrs() []any {
	source := "sandbox"
	if !s.cfg.Sandbox {
		source = s.cfg.Keys.Source()
	}
	attrs := []any{
		"version", version,
		"api", apiName(s.cfg),
		"key", source,
		"secrets", s.cfg.Secrets.Delivery,
		"read_only", s.cfg.ReadOnly,
		"confirm", s.cfg.Confirm,
		"toolsets", strings.Join(s.cfg.Toolsets, ","),
	}
	if s.cfg.ActivityLog != "" {
		attrs = append(attrs, "activity_log", s.cfg.ActivityLog)
	}
	return attrs
}
