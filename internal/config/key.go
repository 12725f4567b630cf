package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const maxKeyFileBytes = 64 << 10

// A keyError describes a problem with the key, and its remedy, in a sentence each.
type keyError struct{ what, remedy string }

func (e *keyError) Error() string { return e.what + " " + e.remedy }

// setKey sets the key from the first source that is set, even if that is invalid,
// because the next one may contain the key of another account.
func (c *Config) setKey(env Environment, p profile) {
	key, path := env.variable("RAFF_API_KEY"), env.variable("RAFF_API_KEY_FILE")
	switch {
	case key != "":
		if path != "" {
			c.Warnings = append(c.Warnings, "RAFF_API_KEY_FILE is ignored, since RAFF_API_KEY is set")
		}
		c.useKey(key, "RAFF_API_KEY",
			"The MCP client passed it on unexpanded: set the variable where the client runs, "+
				"or write the key into the client's env block for this server.")
	case path != "":
		c.useKeyFile(path, env)
	case strings.TrimSpace(p.values["api-key"]) != "":
		c.useKey(p.values["api-key"], p.source("api-key"), "Put the key itself there, or set RAFF_API_KEY.")
	default:
		c.KeyProblem = &keyError{"No Raff API key is configured.",
			"Set RAFF_API_KEY to a key from the Raff dashboard (API Keys), in the MCP client's env block for this server, " +
				"or set RAFF_API_KEY_FILE, or run `raff configure`; or try without an account, with --sandbox."}
	}
}

// useKey sets the key that was found in source if raffclient.ParseKey accepts it. expand
// is the remedy for a placeholder.
func (c *Config) useKey(key, source, expand string) {
	key = strings.TrimSpace(key)
	switch {
	case isMasked(key):
		c.KeyProblem = &keyError{source + " holds a masked key, cut short for display.",
			"Put the whole key there; if nobody has it any more, regenerate it in the Raff dashboard (API Keys)."}
	case isPlaceholder(key):
		c.KeyProblem = &keyError{source + " holds a placeholder in place of the key.", expand}
	default:
		parsed, err := raffclient.ParseKey(key)
		if err == nil {
			c.Key, c.KeySource = parsed, source
			return
		}
		c.KeyProblem = &keyError{source + " does not hold a Raff API key, which must start with raff_ and be visible ASCII throughout.",
			"Copy the whole key from where it was kept, without quotes, or make one in the Raff dashboard (API Keys)."}
	}
}

func (c *Config) useKeyFile(path string, env Environment) {
	if isPlaceholder(path) {
		c.KeyProblem = &keyError{"RAFF_API_KEY_FILE holds a placeholder in place of a path.",
			"The MCP client passed it on unexpanded: write the path itself into the client's env block for this server."}
		return
	}
	path, text, shared, err := readKeyFile(path, env.homeDir())
	if err != nil {
		c.KeyProblem = keyFileError(path, err)
		return
	}
	if shared {
		c.Warnings = append(c.Warnings, sharedWarning(path))
	}
	c.useKey(text, printable.String(path)+" (RAFF_API_KEY_FILE)", "Write the key itself into the file.")
}

// readKeyFile returns the contents of the file at path, and the path with ~ replaced.
func readKeyFile(path, home string) (full, text string, shared bool, err error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home == "" {
			return path, "", false, fmt.Errorf("%s: there is no home directory", printable.String(path))
		}
		path = filepath.Join(home, rest)
	}
	raw, shared, err := readPrivate(path, maxKeyFileBytes)
	if err != nil {
		return path, "", false, err
	}
	text = strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	if text == "" {
		return path, "", false, fmt.Errorf("%s: empty", printable.String(path))
	}
	return path, text, shared, nil
}

// isMisplacedKey reports whether path is or contains a key, which belongs in another
// variable.
func isMisplacedKey(path string) bool {
	return strings.HasPrefix(path, "raff_") || raffclient.ContainsKey(path) ||
		strings.Contains(path, "raff_") && !strings.ContainsAny(path, `/\`)
}

func keyFileError(path string, err error) *keyError {
	if isMisplacedKey(path) {
		return &keyError{"RAFF_API_KEY_FILE holds what looks like a key, where the path of a file belongs.",
			"Put a key into RAFF_API_KEY, and a file into RAFF_API_KEY_FILE with its directory."}
	}
	reason := strings.TrimSuffix(err.Error(), ".") // Windows ends its messages with one
	return &keyError{"RAFF_API_KEY_FILE cannot be used: " + reason + ".",
		"Let it name a file that holds the key and nothing else and that this user may read, or set RAFF_API_KEY."}
}

// isMasked reports whether key was shortened for display: raff_737e….
func isMasked(key string) bool {
	return strings.ContainsAny(key, "…•") || strings.Contains(key, "...") || strings.Contains(key, "***")
}

// placeholder matches text that an MCP client or a shell should have replaced
// (${NAME}, ${env:NAME}, ${input:name}, {env:NAME}, {{name}}, $(command), $NAME,
// %NAME%), and text from documentation that the user should have replaced (<your key>,
// YOUR_KEY).
var placeholder = regexp.MustCompile(`(?is)\$[{(]|\{\{|^\{.*\}$|^\$\w|^%\w+%|^<.*>$|^your[-_ ]`)

func isPlaceholder(value string) bool { return placeholder.MatchString(value) }
