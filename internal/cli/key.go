package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const maxKeyFile = 64 << 10 // bytes

// keyError says, in a sentence each, what is wrong with the key and what to do.
type keyError struct{ what, remedy string }

func (e *keyError) Error() string { return e.what + " " + e.remedy }

// setKey takes the key from the first place that has one, good or bad: to go on
// to the next would be to use another account than the one that was meant.
func (c *config) setKey(env environment, p profile) {
	key, path := env.variable("RAFF_API_KEY"), env.variable("RAFF_API_KEY_FILE")
	switch {
	case key != "":
		if path != "" {
			c.warnings = append(c.warnings, "RAFF_API_KEY_FILE is ignored, since RAFF_API_KEY is set")
		}
		c.useKey(key, "RAFF_API_KEY",
			"The MCP client passed it on unexpanded: set the variable where the client runs, "+
				"or write the key into the client's env block for this server.")
	case path != "":
		c.useKeyFile(path, env)
	case strings.TrimSpace(p.values["api-key"]) != "":
		c.useKey(p.values["api-key"], p.source("api-key"), "Put the key itself there, or set RAFF_API_KEY.")
	default:
		c.keyProblem = &keyError{"No Raff API key is configured.",
			"Set RAFF_API_KEY to a key from the Raff dashboard (API Keys), in the MCP client's env block for this server, " +
				"or set RAFF_API_KEY_FILE, or run `raff configure`; or try without an account, with --sandbox."}
	}
}

// useKey takes the key that was found in from if it can be one, and a header's
// value. The documents disagree about all but its first characters, so no more
// is asked. expand is the remedy for a placeholder.
func (c *config) useKey(key, from, expand string) {
	key = strings.TrimSpace(key)
	switch {
	case isMasked(key):
		c.keyProblem = &keyError{from + " holds a masked key, cut short for display.",
			"Put the whole key there; if nobody has it any more, regenerate it in the Raff dashboard (API Keys)."}
	case isPlaceholder(key):
		c.keyProblem = &keyError{from + " holds a placeholder in place of the key.", expand}
	case !strings.HasPrefix(key, "raff_") || key == "raff_" || strings.ContainsFunc(key, notVisibleASCII):
		c.keyProblem = &keyError{from + " does not hold a Raff API key, which must start with raff_ and be visible ASCII throughout.",
			"Copy the whole key from where it was kept, without quotes, or make one in the Raff dashboard (API Keys)."}
	default:
		c.key, c.keySource = raffclient.NewSecret(key), from
	}
}

func notVisibleASCII(r rune) bool { return r <= ' ' || r > '~' }

func (c *config) useKeyFile(path string, env environment) {
	if isPlaceholder(path) {
		c.keyProblem = &keyError{"RAFF_API_KEY_FILE holds a placeholder in place of a path.",
			"The MCP client passed it on unexpanded: write the path itself into the client's env block for this server."}
		return
	}
	path, text, shared, err := readKeyFile(path, env.homeDir())
	if err != nil {
		c.keyProblem = keyFileError(path, err)
		return
	}
	if shared {
		c.warnings = append(c.warnings, sharedWarning(path))
	}
	c.useKey(text, visible(path)+" (RAFF_API_KEY_FILE)", "Write the key itself into the file.")
}

// readKeyFile returns, besides the text, the path with ~ replaced.
func readKeyFile(path, home string) (full, text string, shared bool, err error) {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		if home == "" {
			return path, "", false, fmt.Errorf("%s: there is no home directory", visible(path))
		}
		path = filepath.Join(home, rest)
	}
	raw, shared, err := readPrivate(path, maxKeyFile)
	if err != nil {
		return path, "", false, err
	}
	text = strings.TrimSpace(strings.TrimPrefix(string(raw), "\ufeff"))
	if text == "" {
		return path, "", false, fmt.Errorf("%s: empty", visible(path))
	}
	return path, text, shared, nil
}

// misplacedKey matches a path that is or has in it a key, in the wrong variable.
var misplacedKey = regexp.MustCompile(`(?s)^raff_|^[^/\\]*raff_[^/\\]*$|raff_[0-9a-f]{8}`)

func keyFileError(path string, err error) *keyError {
	if misplacedKey.MatchString(path) {
		return &keyError{"RAFF_API_KEY_FILE holds what looks like a key, where the path of a file belongs.",
			"Put a key into RAFF_API_KEY, and a file into RAFF_API_KEY_FILE with its directory."}
	}
	reason := strings.TrimSuffix(err.Error(), ".") // Windows ends its messages with one
	return &keyError{"RAFF_API_KEY_FILE cannot be used: " + reason + ".",
		"Let it name a file that holds the key and nothing else and that this user may read, or set RAFF_API_KEY."}
}

// isMasked reports whether the key is one as it is displayed: raff_737e….
func isMasked(key string) bool {
	return strings.ContainsAny(key, "…•") || strings.Contains(key, "...") || strings.Contains(key, "***")
}

// placeholder matches what MCP clients and shells would have replaced
// (${NAME}, ${env:NAME}, ${input:name}, {env:NAME}, {{name}}, $(command), $NAME,
// %NAME%) and what documentation asks people to replace (<your key>, YOUR_KEY).
var placeholder = regexp.MustCompile(`(?is)\$[{(]|\{\{|^\{.*\}$|^\$\w|^%\w+%|^<.*>$|^your[-_ ]`)

func isPlaceholder(value string) bool { return placeholder.MatchString(value) }
