// Command raff-mcp is an MCP server with which an AI assistant administers a
// Raff Technologies account. It speaks MCP over standard input and output.
package main

import (
	"os"

	"github.com/rafftechnologies/raff-mcp/internal/cli"
)

func main() { os.Exit(cli.Main()) }
