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

// A message is an error in whole sentences: what happened, and what to do.
type message string

func (m message) Error() string { return string(m) }

// setKey sets the key from the first source that is set, even if that is invalid,
// because the next one may contain the key of another account.
func (c *Config) setKey(env Environment, p profile) {
	key, path := env.variable("RAFF_API_KEY"), env.variable("RAFF_API_KEY_FILE")
	switch {
	case key != "":
		if path != "" {
			c.Warnings = append(c.Warnings, "RAFF_API_KEY_FILE is ignored, because RAFF_API_KEY is set. Unset one of them.")
		}
		c.useKey(key, "RAFF_API_KEY",
			"The MCP client passed it on unexpanded: set the variable where the client runs, "+
				"or write the key into the client's env block for this server.")
	case path != "":
		c.useKeyFile(path, env)
	case strings.TrimSpace(p.values["api-key"]) != "":
		c.useKey(p.values["api-key"], p.source("api-key"), "Put the key itself there, or set RAFF_API_KEY.")
	default:
		c.KeyProblem = noKeyError(p)
	}
}

// noKeyError is the problem if no source contains a key. It names a profile file that was
// found.
func noKeyError(p profile) *keyError {
	what := "No Raff API key is configured"
	switch {
	case p.problem != nil:
		what += ", and " + p.problem.what()
	case p.path != "":
		what += ", and the current profile in " + printable.String(p.path) + " contains no api-key"
	}
	return &keyError{what + ".",
		"Set RAFF_API_KEY to a key from the Raff dashboard (API Keys), in the MCP client's env block for this server, " +
			"or set RAFF_API_KEY_FILE, or run `raff configure`; or try without an account, with --sandbox."}
}

// useKey sets the key that was found in source if raffclient.ParseKey accepts it. expand
// is the remedy for a placeholder.
func (c *Config) useKey(key, source, expand string) {
	key = strings.TrimSpace(key)
	switch {
	case isMasked(key):
		c.KeyProblem = &keyError{source + " contains a masked key, shortened for display.",
			"Put the whole key there; if nobody has it any more, regenerate it in the Raff dashboard (API Keys)."}
	case isEncrypted(key):
		c.KeyProblem = encryptedError(source, "key")
	case exampleKey.MatchString(key) || isExample(key):
		c.KeyProblem = &keyError{source + " contains example text instead of a key.",
			"Replace it with a key from the Raff dashboard (API Keys)."}
	case isUnexpanded(key):
		c.KeyProblem = &keyError{source + " contains an unexpanded placeholder instead of the key.", expand}
	default:
		parsed, err := raffclient.ParseKey(key)
		if err == nil {
			c.Key, c.KeySource = parsed, source
			return
		}
		c.KeyProblem = &keyError{source + " does not contain a Raff API key, which must start with raff_ and contain only letters, digits and punctuation, without spaces.",
			"Copy the whole key from where it is kept, without quotes, or create one in the Raff dashboard (API Keys)."}
	}
}

func (c *Config) useKeyFile(path string, env Environment) {
	const source = "RAFF_API_KEY_FILE"
	switch {
	case isEncrypted(path):
		c.KeyProblem = encryptedError(source, "path")
		return
	case isExample(path):
		c.KeyProblem = &keyError{source + " contains example text instead of a path.",
			"Replace it with the path of a file that contains only the key."}
		return
	case isUnexpanded(path):
		c.KeyProblem = &keyError{source + " contains an unexpanded placeholder instead of a path.",
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
		return &keyError{"RAFF_API_KEY_FILE contains what looks like a key instead of the path of a file.",
			"Put the key into RAFF_API_KEY; if it is the name of a file, add its directory."}
	}
	reason := strings.TrimSuffix(err.Error(), ".") // Windows ends its messages with one
	return &keyError{"RAFF_API_KEY_FILE cannot be used: " + reason + ".",
		"Point it to a file that contains only the key and that this user may read, or set RAFF_API_KEY."}
}

// isMasked reports whether key was shortened for display: raff_737e….
func isMasked(key string) bool {
	return strings.ContainsAny(key, "…•") || strings.Contains(key, "...") || strings.Contains(key, "***")
}

// unexpanded matches text that an MCP client or a shell should have replaced: ${NAME},
// ${env:NAME}, ${input:name}, {env:NAME}, {{name}}, $(command), $NAME, %NAME%.
var unexpanded = regexp.MustCompile(`(?is)\$[{(]|\{\{|^\{.*\}$|^\$\w|^%\w+%`)

func isUnexpanded(value string) bool { return unexpanded.MatchString(value) }

var (
	// example matches text from documentation that the user should have replaced.
	example = regexp.MustCompile(`(?is)^<.*>$|^your[-_ ]`)
	// exampleKey matches more such text, which can only stand for a key.
	exampleKey = regexp.MustCompile(`(?is)^(raff_)?(your|my|insert|paste|enter|replace|change|put)[-_ ]?(your|my|raff|api|key|token|secret|me|it|this|with|the)([-_ ]|$)|[-_ ]here$|^(raff_)?api[-_ ]?key$|^raff_(pub_)?x{4,}$|^x{3,}$`)
)

func isExample(value string) bool { return example.MatchString(value) }

// isEncrypted reports whether value is what Claude Desktop stores in place of a sensitive
// value. On Windows, it has passed that on to servers.
func isEncrypted(value string) bool { return strings.HasPrefix(value, "__encrypted__") }

func encryptedError(source, what string) *keyError {
	return &keyError{source + " contains a " + what + " that Claude Desktop has encrypted (__encrypted__:…) and passed on without decrypting it.",
		"Put the key into a file that only you can read, and set RAFF_API_KEY_FILE to its path where no value is encrypted: in the env block of claude_desktop_config.json."}
}

// checkPlaceholder returns an error if value stands for something else.
func checkPlaceholder(value string) error {
	switch {
	case isEncrypted(value):
		return message("contains a value that the MCP client has encrypted. Write the value itself into the client's configuration.")
	case isExample(value):
		return message("contains example text. Replace it with a value of your own.")
	case isUnexpanded(value):
		return message("contains an unexpanded placeholder (${…}). Write the value itself there.")
	}
	return nil
}
