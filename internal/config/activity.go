package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

func (c *Config) setActivityLog(value string) error {
	switch {
	case raffclient.ContainsKey(value):
		return errEmbeddedKey
	case !filepath.IsAbs(value) && !strings.HasPrefix(value, "~/"):
		return errors.New("must be an absolute path or begin with ~/")
	case os.IsPathSeparator(value[len(value)-1]):
		return message("names a directory. Add the name of a file.")
	}
	c.ActivityLog = value
	return nil
}

// completeActivityLog resolves the home directory in the path of the activity log.
func (c *Config) completeActivityLog(home string) error {
	path, ok := expandHome(c.ActivityLog, home)
	if !ok {
		return message("--activity-log: there is no home directory. Set it to an absolute path.")
	}
	c.ActivityLog = path
	return nil
}
