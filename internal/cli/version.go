package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

const version = "0.1.0"

func newVersionCommand(p *program) *cobra.Command {
	return p.newCommand("version", "Print the version", rejectArguments, p.printVersion)
}

func (p *program) printVersion(*cobra.Command, []string) error {
	_, err := fmt.Fprintln(p.stdout, "raff-mcp "+version)
	return err
}
