// Command smallest is the smallest possible server of mcp-go, which the
// program's start is measured against.
package main

import (
	"os"

	"github.com/mark3labs/mcp-go/server"
)

func main() {
	if err := server.ServeStdio(server.NewMCPServer("smallest", "1", server.WithToolCapabilities(false))); err != nil {
		os.Exit(1)
	}
}
