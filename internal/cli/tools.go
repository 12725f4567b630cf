package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/tools"
)

func newToolsCommand(p *program) *cobra.Command {
	cmd := p.newCommand("tools", "List the tools", rejectArguments, p.listTools)
	cmd.Long = "List the tools with their titles, or with --json as tools/list returns them."
	return cmd
}

// listTools prints the tools that the configuration offers.
func (p *program) listTools(cmd *cobra.Command, _ []string) error {
	s, err := p.newSetup(cmd)
	if err != nil {
		return err
	}
	if p.json {
		return printToolsJSON(cmd.Context(), p.stdout, tools.NewServer(s.tools))
	}
	w := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TOOL\tEFFECT\tTITLE")
	for _, t := range tools.All() {
		if s.tools.Offers(t) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", t.Name, t.Effect, t.Title)
		}
	}
	return w.Flush()
}

// printToolsJSON prints the result of tools/list.
func printToolsJSON(ctx context.Context, w io.Writer, s *server.MCPServer) error {
	response, ok := s.HandleMessage(ctx, json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)).(mcp.JSONRPCResponse)
	if !ok {
		return errors.New("the tools could not be listed")
	}
	return printJSON(w, response.Result)
}

func printJSON(w io.Writer, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}
