package delivery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

const gitTimeout = 10 * time.Second

// checkGit returns an error if git tracks the file, or would add it with its next
// `git add .`: the secret would end up in the repository's history.
func checkGit(ctx context.Context, path string) error {
	// A symbolic link above the file may lead into a working tree.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return errNoDir(path)
	}
	if err != nil {
		return fmt.Errorf("%s: its directory cannot be found: %w", path, err)
	}
	name := filepath.Base(path)
	shown := filepath.Join(dir, name)
	top := workingTree(dir)
	if top == "" {
		return nil
	}
	if _, err := exec.LookPath("git"); err != nil {
		return fmt.Errorf("%s is in a git working tree (%s), and git, which would say whether it is ignored, is not installed", path, top)
	}
	switch code, err := git(ctx, dir, "ls-files", "--error-unmatch", "--", literally(name)); {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case code == 0:
		return fmt.Errorf("%s is tracked by git, so the secret would be committed: git rm --cached it, and add the line %s to %s",
			path, ignoreLine(top, shown), filepath.Join(top, gitIgnore))
	}
	switch code, err := git(ctx, dir, "check-ignore", "--quiet", "--no-index", "--", "./"+name); {
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case code != 0:
		return fmt.Errorf("%s is not ignored by git, so the secret could be committed: add the line %s to %s",
			path, ignoreLine(top, shown), filepath.Join(top, gitIgnore))
	}
	return nil
}

// literally returns the pathspec that matches only the name: without that, a colon at its
// beginning and some other characters have a meaning.
func literally(name string) string {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return ":(literal,icase)" + name
	}
	return ":(literal)" + name
}

// workingTree returns the closest directory above dir, or dir, that contains .git, or "".
func workingTree(dir string) string {
	for dir = filepath.Clean(dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// ignoreLine returns the line of .gitignore in top that matches only path.
func ignoreLine(top, path string) string {
	rel, err := filepath.Rel(top, path)
	if err != nil {
		rel = filepath.Base(path)
	}
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, " ", `\ `)
	return "/" + escape.Replace(filepath.ToSlash(rel))
}

// git runs git in dir and returns its exit code, which is 0 or 1. It reads neither the
// environment's settings of git nor runs a program that the repository's configuration names.
func git(ctx context.Context, dir string, args ...string) (code int, err error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.fsmonitor=false"}, args...)...)
	for _, variable := range os.Environ() {
		name := strings.ToUpper(variable) // on Windows, case does not matter
		if !strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "RAFF_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil:
		return 0, nil
	case ctx.Err() != nil:
		return 0, errors.New("git did not say in time whether it is ignored")
	case exited && exit.ExitCode() == 1:
		return 1, nil
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return 0, fmt.Errorf("git could not say whether it is ignored (%s)", printable.String(printable.Shorten(first, 200)))
}
