package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

// doctorFlags are the flags of the command doctor.
type doctorFlags struct {
	name     string // of the entry
	project  bool   // start what a file of the project says
	rehearse bool
	self     bool
}

func newDoctorCommand(p *program) *cobra.Command {
	var flags doctorFlags
	cmd := p.newCommand("doctor [CLIENT...]", "Find out what is wrong with the set-up", checkDoctorArgs,
		func(cmd *cobra.Command, args []string) error { return p.doctor(cmd, flags, args) })
	cmd.Long = `Start the server of each client that has an entry for it, or only of those named,
exactly as the client does, and report what works, what does not, and how to fix it:
one line for each check, with ✓ or ✗. It sends only requests that read, and changes
nothing in the account or in a client's file. The exit code is 0 if every line has ✓,
and 1 otherwise.

With --json, print {"ok", "version", "sends", "entries": [{"client", "title", "scope",
"file", "name", "ok", "checks": [{"name", "ok", "text", "fix", "details"}],
"not_checked"}]}. Names of checks do not change from version to version; texts do.`
	cmd.Example = `  raff-mcp doctor
  raff-mcp doctor claude-code --rehearse`
	cmd.Annotations = map[string]string{jsonAnnotation: ""}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&flags.name, "name", "raff", "name of the entry in the clients' files")
	f.BoolVar(&flags.project, "project", false, "also start servers from files of this directory, which may come from somebody else")
	f.BoolVar(&flags.rehearse, "rehearse", false, "deliver a made-up secret as configured, and show all that the command prints")
	f.BoolVar(&flags.self, "self", false, "check only this program as it is started here, with these flags; no client")
	cmd.ValidArgsFunction = completeClient
	return cmd
}

// errUnhealthy is the error if checks have failed. Which ones is on standard output.
func errUnhealthy(failed int) error {
	if failed == 1 {
		return message("doctor: 1 check failed. The line with ✗ says what to do.")
	}
	return message(fmt.Sprintf("doctor: %d checks failed. Each line with ✗ says what to do.", failed))
}

// doctor checks the entries of clients, or with --self the program as it is started here.
func (p *program) doctor(cmd *cobra.Command, flags doctorFlags, args []string) error {
	report := doctor.Report{OK: true, Version: version, Sends: doctor.Sends(flags.self, flags.rehearse), Entries: []doctor.Result{}}
	if flags.self {
		if len(args) > 0 {
			return usageError{message("doctor: --self checks no client. Leave out the names of clients, or --self.")}
		}
		p.printSends(report.Sends)
		result := p.doctorSelf(cmd, flags)
		if errors.Is(cmd.Context().Err(), context.Canceled) {
			return message("doctor: interrupted before all checks were done.")
		}
		return p.finishDoctor(&report, result)
	}
	if set := settingFlag(cmd.Flags()); set != "" {
		return usageError{message(fmt.Sprintf("--%s: has no effect without --self, because each server is started with the flags in its entry. Leave it out, or add --self.", set))}
	}
	entries, err := p.doctorEntries(flags, args)
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	p.printSends(report.Sends)
	var results []doctor.Result
	doctor.Run(cmd.Context(), doctor.Config{
		Version:    version,
		Revision:   currentBuild().commit,
		Executable: executable,
		Settings:   settings(),
		Rehearse:   flags.rehearse,
	}, entries, func(r doctor.Result) {
		if !p.json && cmd.Context().Err() == nil {
			_ = r.WriteText(p.stdout) // the exit code says the same
		}
		results = append(results, r)
	})
	if errors.Is(cmd.Context().Err(), context.Canceled) {
		return message("doctor: interrupted. The servers that it had started were ended.")
	}
	return p.finishDoctor(&report, results...)
}

// printSends says beforehand what is sent.
func (p *program) printSends(sentences []string) {
	if !p.json {
		fmt.Fprintln(p.stdout, strings.Join(sentences, "\n"))
	}
}

// finishDoctor prints what has not been printed, and returns an error if a check failed.
func (p *program) finishDoctor(report *doctor.Report, results ...doctor.Result) error {
	failed := 0
	for _, r := range results {
		report.OK = report.OK && r.OK
		report.Entries = append(report.Entries, r)
		for _, c := range r.Checks {
			if !c.OK {
				failed++
			}
		}
	}
	var err error
	if p.json {
		err = printJSON(p.stdout, report)
	}
	if failed > 0 { // even if nobody reads it
		return errUnhealthy(failed)
	}
	return err
}

// settingFlag returns the name of a setting that is set by its flag, or "".
func settingFlag(flags *pflag.FlagSet) (name string) {
	for _, s := range settings() {
		if s.Flag != "" && flags.Changed(s.Flag) {
			return s.Flag
		}
	}
	return ""
}
