package doctor

import (
	"io/fs"
	"path/filepath"
	"runtime"
)

// ownFiles returns the program's files and directories that only the user may read, and
// those that other users must not be able to change.
func (c SelfConfig) ownFiles() (private, unchanged []string) {
	if c.KeyFile != "" {
		private = append(private, c.KeyFile)
	}
	if c.Config.Secrets.Delivery == "file" {
		private = append(private, c.Config.Secrets.Dir)
	}
	if c.Home == "" {
		return private, nil
	}
	dir := filepath.Join(c.Home, ".raff")
	for _, name := range []string{"config.yaml", "recovered", "keys"} {
		private = append(private, filepath.Join(dir, name))
	}
	stored, _ := filepath.Glob(filepath.Join(dir, "keys", "*")) // the pattern is valid
	private = append(private, stored...)
	return private, []string{dir, filepath.Join(dir, "mcp.yaml")}
}

// checkFiles checks who can read and change those of the files that exist.
func (c SelfConfig) checkFiles(r *Result) {
	if runtime.GOOS == "windows" {
		r.pass("files", "not checked: on Windows, the access list of the directory decides")
		return
	}
	count, before := 0, len(r.Checks)
	check := func(paths []string, forbidden fs.FileMode) {
		for _, path := range paths {
			exists, problem := checkMode(path, forbidden)
			if exists {
				count++
			}
			if problem != nil {
				r.add(*problem)
			}
		}
	}
	private, unchanged := c.ownFiles()
	check(private, 0o077)
	check(unchanged, 0o022)
	if len(r.Checks) == before {
		r.pass("files", "other users cannot read or change those of raff-mcp (%d found)", count)
	}
}
