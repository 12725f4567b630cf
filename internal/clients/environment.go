package clients

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// An Environment is what the files and the launch of a client depend on.
type Environment struct {
	Environ  func() []string                   // see os.Environ
	Home     func() (string, error)            // see os.UserHomeDir
	LookPath func(file string) (string, error) // see exec.LookPath
	GOOS     string                            // see runtime.GOOS
	Dir      string                            // the working directory, an absolute path
}

// lookup returns an environment variable. On Windows, its name is case-insensitive.
func (e Environment) lookup(name string) (value string, ok bool) {
	for _, variable := range e.Environ() {
		if n, v, found := strings.Cut(variable, "="); found && e.sameVariable(n, name) {
			value, ok = v, true
		}
	}
	return value, ok
}

func (e Environment) sameVariable(a, b string) bool {
	return a == b || e.GOOS == windows && strings.EqualFold(a, b)
}

const (
	windows = "windows"
	darwin  = "darwin"
)

// dirs are the directories in which clients keep their files.
type dirs struct {
	env  Environment
	home string
	// apps is where desktop applications keep their files: %APPDATA%, ~/Library/Application
	// Support, or $XDG_CONFIG_HOME or ~/.config.
	apps string
	// xdg is $XDG_CONFIG_HOME or ~/.config on every system.
	xdg string
}

var errNoHome = &confedit.Error{Problem: "there is no home directory", Fix: "Set HOME (on Windows, USERPROFILE) to its absolute path"}

func (e Environment) dirs() (dirs, error) {
	home, err := e.Home()
	if err != nil || !e.isAbs(home) {
		return dirs{}, errNoHome
	}
	d := dirs{env: e, home: home}
	d.xdg = d.variable("XDG_CONFIG_HOME", d.join(home, ".config"))
	switch e.GOOS {
	case windows:
		d.apps = d.variable("APPDATA", d.join(home, "AppData", "Roaming"))
	case darwin:
		d.apps = d.join(home, "Library", "Application Support")
	default:
		d.apps = d.xdg
	}
	return d, nil
}

// variable returns the directory that a variable names, or otherwise if it is unset or
// not an absolute path.
func (d dirs) variable(name, otherwise string) string {
	if dir, _ := d.env.lookup(name); d.env.isAbs(dir) {
		return dir
	}
	return otherwise
}

// join joins the names of a path as the environment's system does.
func (d dirs) join(dir string, names ...string) string {
	separator := "/"
	if d.env.GOOS == windows {
		separator = `\`
	}
	return strings.TrimRight(dir, separator) + separator + strings.Join(names, separator)
}

// project returns a path below the working directory.
func (d dirs) project(names ...string) string { return d.join(d.env.Dir, names...) }

// isAbs reports whether a path is absolute on the environment's system or on this one.
func (e Environment) isAbs(path string) bool {
	if e.GOOS == windows && (strings.HasPrefix(path, `\\`) || len(path) > 2 && path[1] == ':' && strings.ContainsAny(path[2:3], `\/`)) {
		return true
	}
	return filepath.IsAbs(path) || e.GOOS != windows && strings.HasPrefix(path, "/")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
