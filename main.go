// Raff-mcp is an MCP server with which an AI assistant administers a Raff Technologies
// account. It serves MCP on standard input and output.
package main

import (
	"os"

	"github.com/rafftechnologies/raff-mcp/internal/cli"
)

func main() { os.Exit(cli.Main()) }
