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
	cmd := p.newCommand("tools [TOOL]", "List the tools, or describe one", checkToolsArgs, p.tools)
	cmd.Long = "List the tools with their titles, or describe TOOL: what it does, its arguments and an\nexample. With --json, print what tools/list returns."
	cmd.ValidArgsFunction = completeTool
	cmd.Annotations = map[string]string{jsonAnnotation: ""}
	return cmd
}

func checkToolsArgs(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return message("tools: want the name of one tool, or none to list them all. Use call to call one.")
	}
	return nil
}

// tools prints the tools that the configuration offers, or one of them.
func (p *program) tools(cmd *cobra.Command, args []string) error {
	s, err := p.newSession(cmd)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return p.listTools(cmd.Context(), s)
	}
	t, err := s.offeredTool(args[0])
	switch {
	case err != nil:
		return err
	case p.json:
		return printJSON(p.stdout, t.Definition())
	}
	return describe(p.stdout, t)
}

func (p *program) listTools(ctx context.Context, s *session) error {
	if p.json {
		return printToolsJSON(ctx, p.stdout, tools.NewServer(s.tools))
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
