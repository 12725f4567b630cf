package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version is the version of the running program: what serverInfo, the User-Agent and
// raff-mcp version say.
var version = currentBuild().version

// A build describes what a program was built from, as far as the Go toolchain recorded it.
//
// Nothing is set with -ldflags and no file contains the version: the tag of the commit
// determines it, so a program cannot claim to be a release that it was not built from.
type build struct {
	version  string // of the tag, without its v; of an untagged commit, a pseudo-version; or "devel"
	commit   string // or ""
	date     string // of the commit, in RFC 3339, or ""
	modified bool   // the source differed from the commit
}

func currentBuild() build {
	info, _ := debug.ReadBuildInfo()
	return newBuild(info)
}

// newBuild returns the build that info describes. The version is "devel" if the toolchain
// recorded none, as for go run, for -buildvcs=false and outside of a Git repository.
func newBuild(info *debug.BuildInfo) build {
	b := build{version: "devel"}
	if info == nil {
		return b
	}
	if recorded, ok := strings.CutPrefix(info.Main.Version, "v"); ok {
		b.version = recorded
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.time":
			b.date = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	return b
}

func (b build) String() string {
	commit := cmp.Or(b.commit, "not recorded")
	if b.modified {
		commit += ", modified"
	}
	return fmt.Sprintf("raff-mcp %s\ncommit: %s\ndate:   %s\ngo:     %s %s/%s\n",
		b.version, commit, cmp.Or(b.date, "not recorded"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func newVersionCommand(p *program) *cobra.Command {
	return p.newCommand("version", "Print the version, and what it was built from", rejectArguments, p.printBuild)
}

func (p *program) printBuild(*cobra.Command, []string) error {
	_, err := fmt.Fprint(p.stdout, currentBuild())
	return err
}

// printVersion prints one line, for --version.
func (p *program) printVersion(*cobra.Command, []string) error {
	_, err := fmt.Fprintln(p.stdout, "raff-mcp "+version)
	return err
}
