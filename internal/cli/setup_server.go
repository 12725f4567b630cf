package cli

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// server returns the command line that clients are to run. The flags must be valid.
func (p *program) server(flags []string) (clients.Server, error) {
	if err := p.checkServerFlags(flags); err != nil {
		return clients.Server{}, err
	}
	path, err := executable(os.Args[0])
	if err != nil {
		return clients.Server{}, err
	}
	return clients.Server{Command: path, Args: flags}, nil
}

// checkServerFlags returns an error if the server would not start with these flags. It does
// not look at variables, which clients may withhold.
func (p *program) checkServerFlags(args []string) error {
	for _, arg := range args {
		if raffclient.ContainsKey(arg) {
			return message("the flags after -- contain what looks like a key, which others could read. Remove it, and store the key with raff-mcp login.")
		}
	}
	root := newRootCommand(&program{stdout: io.Discard, stderr: p.stderr})
	root.InitDefaultHelpFlag()
	if err := root.ParseFlags(args); err != nil {
		return fmt.Errorf("after --: %w", flagError(root.Flags(), err))
	}
	for _, name := range []string{"help", "version", "V", "json"} {
		if root.Flags().Changed(name) {
			return message("after --: --" + name + " is no flag of the server. Remove it.")
		}
	}
	if len(root.Flags().Args()) > 0 {
		return message("after --: only flags of the server are allowed, no commands. Write the names of clients before it.")
	}
	if dir := root.Flags().Lookup("secrets-dir"); dir.Changed && !filepath.IsAbs(dir.Value.String()) && !strings.HasPrefix(dir.Value.String(), "~/") {
		return message("after --: --secrets-dir: must be an absolute path, because the client chooses the working directory.")
	}
	env := config.Environment{Getenv: func(string) string { return "" }, Home: p.env.Home}
	if _, err := config.Load(root.Flags(), env, choices()); err != nil {
		return fmt.Errorf("the server would not start: %w", err)
	}
	return nil
}

// executable returns the absolute path of this program. Unlike os.Executable it keeps
// symbolic links, because what they lead to may have the version in its name and vanish
// with an update. It refuses the path of a program that go run has built.
func executable(arg0 string) (string, error) {
	real, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("the path of this program cannot be determined: %w. Start it by its absolute path", err)
	}
	path := real
	if found, err := exec.LookPath(arg0); err == nil {
		if found, err = filepath.Abs(found); err == nil && sameFile(found, real) {
			path = found
		}
	}
	if builtByRun.MatchString(filepath.ToSlash(real)) {
		return "", message("go run builds the program in a place that is cleaned up, so a client could not start it later. Build it with go build, and run setup with the result.")
	}
	return path, nil
}

// builtByRun matches the path of a program that go run has built: in a directory for
// temporary files, or in the build cache.
var builtByRun = lazyregexp.New(`/go-build[0-9]+/.*/exe/|/go-build/[0-9a-f]{2}/[0-9a-f]+-d/`)

func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

const (
	// keyVariables begins the names of the variables from which the key is read.
	keyVariables = "RAFF_API_KEY"
	// busVariable contains the address by which the keychain is found on Linux.
	busVariable = "DBUS_SESSION_BUS_ADDRESS"
)

// serverVariables returns the names of the variables that are set and that the server
// needs: those of settings and, if none contains the key, that of the keychain.
func (p *program) serverVariables(server clients.Server) (names []string) {
	sandbox := slices.Contains(server.Args, "--sandbox") || slices.Contains(server.Args, "--sandbox=true")
	hasKey := sandbox
	for _, s := range settings() {
		isKey := strings.HasPrefix(s.Env, keyVariables)
		if !strings.HasPrefix(s.Env, "RAFF_") || strings.TrimSpace(p.env.Getenv(s.Env)) == "" || isKey && sandbox {
			continue
		}
		hasKey = hasKey || isKey
		names = append(names, s.Env)
	}
	if bus := p.env.Getenv(busVariable); runtime.GOOS == "linux" && !hasKey && bus != "" && !isDefaultBus(bus) {
		names = append(names, busVariable)
	}
	return names
}

// isDefaultBus reports whether the D-Bus library finds an address by itself.
func isDefaultBus(address string) bool {
	address, _, _ = strings.Cut(address, ",")
	return address == fmt.Sprintf("unix:path=/run/user/%d/bus", os.Getuid())
}
