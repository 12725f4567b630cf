package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const fixPath = "Correct the command in the entry, or run `raff-mcp setup --replace`, which writes the path of this program there."

// checkCommand finds the program that the launch starts. It returns its absolute path, or
// false if there is nothing to start.
func checkCommand(r *Result, l Launch) (path string, ok bool) {
	if l.Command == "" {
		r.fail("command", "the entry contains no command", fixPath)
		return "", false
	}
	if l.Dir != "" {
		if info, err := os.Stat(l.Dir); err != nil || !info.IsDir() {
			r.fail("command", fmt.Sprintf("the working directory %s does not exist or is not a directory", clean(l.Dir)), "Correct it in the entry.")
			return "", false
		}
	}
	path, err := findCommand(l)
	name := clean(l.Command)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		r.fail("command", missingText(l.Command), fixPath)
		return "", false
	case errors.Is(err, fs.ErrPermission):
		r.fail("command", name+" is not executable for this user", "Make it executable: chmod +x "+quoted(name))
		return "", false
	case err != nil:
		r.fail("command", fmt.Sprintf("%s cannot be started: %s", name, clean(reason(err))), fixPath)
		return "", false
	}
	switch {
	case filepath.IsAbs(l.Command):
		r.pass("command", "%s exists and is executable", name)
	case hasSeparator(l.Command):
		r.fail("command", fmt.Sprintf("%s is relative, so that it depends on the working directory of the client", name), absoluteFix(path))
	case isOwnName(l.Command):
		r.fail("command", fmt.Sprintf("%s is found only through PATH, which is often a shorter one for programs started from the desktop", name), absoluteFix(path))
	default:
		r.pass("command", "%s was found through PATH: %s", name, clean(path))
	}
	return path, true
}

func missingText(command string) string {
	if hasSeparator(command) {
		return clean(command) + " does not exist"
	}
	return clean(command) + " was not found in the PATH that the client passes on"
}

func absoluteFix(path string) string {
	return fmt.Sprintf("Write the absolute path into the entry: %s", clean(path))
}

// isOwnName reports whether a command is this program by its name, and not a program that
// starts it, such as npx.
func isOwnName(command string) bool {
	return strings.EqualFold(strings.TrimSuffix(strings.ToLower(command), ".exe"), "raff-mcp")
}

func hasSeparator(command string) bool {
	return strings.ContainsRune(command, '/') || runtime.GOOS == "windows" && strings.ContainsAny(command, `\:`)
}

// findCommand returns the absolute path of the program, which is looked up in the PATH of
// the launch and not in that of this process.
func findCommand(l Launch) (string, error) {
	if filepath.IsAbs(l.Command) {
		return lookUp(l.Command)
	}
	if hasSeparator(l.Command) {
		path, err := filepath.Abs(filepath.Join(l.Dir, l.Command))
		if err != nil {
			return "", err
		}
		return lookUp(path)
	}
	problem := error(exec.ErrNotFound)
	for _, dir := range filepath.SplitList(variable(l.Env, "PATH")) {
		if !filepath.IsAbs(dir) {
			continue // as for exec.LookPath, the working directory does not count
		}
		path, err := lookUp(filepath.Join(dir, l.Command))
		if err == nil {
			return path, nil
		}
		if errors.Is(err, fs.ErrPermission) {
			problem = err
		}
	}
	return "", problem
}

// lookUp checks that the program at an absolute path can be executed. On Windows it adds
// the extension.
func lookUp(path string) (string, error) {
	found, err := exec.LookPath(path)
	if err == nil {
		return found, nil
	}
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return "", errors.New("it is a directory")
	}
	return "", err
}

// reason removes what wraps an error of the operating system: the operation and the path.
func reason(err error) string {
	if e, ok := errors.AsType[*exec.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}

// variable returns the value of a variable. The last one wins, as for os/exec.
func variable(env []string, name string) (value string) {
	for _, v := range env {
		n, text, _ := strings.Cut(v, "=")
		if n == name || runtime.GOOS == "windows" && strings.EqualFold(n, name) {
			value = text
		}
	}
	return value
}
