package cli

import (
	"os"

	"github.com/rafftechnologies/raff-mcp/internal/doctor"
	"github.com/spf13/cobra"
)

func checkDoctorArgs(*cobra.Command, []string) error { return nil }

func completeClient(_ *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

func (p *program) doctorEntries(name string, clients []string) ([]doctor.Entry, error) {
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return []doctor.Entry{{Title: "raff-mcp itself, in this environment", Launch: doctor.Launch{Command: executable, Env: os.Environ()}}}, nil
}
