package config

import (
	"fmt"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
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

// parseKey returns the key that was found in source if raffclient.ParseKey accepts it.
// expand is the remedy for a placeholder.
func parseKey(key, source, expand string) (raffclient.Secret, error) {
	key = strings.TrimSpace(key)
	switch {
	case isMasked(key):
		return raffclient.Secret{}, &keyError{source + " contains a masked key, shortened for display.",
			"Put the whole key there; if nobody has it any more, regenerate it in the Raff dashboard (API Keys)."}
	case isEncrypted(key):
		return raffclient.Secret{}, encryptedError(source, "key")
	case exampleKey.MatchString(key) || isExample(key):
		return raffclient.Secret{}, &keyError{source + " contains example text instead of a key.",
			"Replace it with a key from the Raff dashboard (API Keys)."}
	case isUnexpanded(key):
		return raffclient.Secret{}, &keyError{source + " contains an unexpanded placeholder instead of the key.", expand}
	}
	parsed, err := raffclient.ParseKey(key)
	if err != nil {
		return raffclient.Secret{}, &keyError{source + " does not contain a Raff API key, which must start with raff_ and contain only letters, digits and punctuation, without spaces.",
			"Copy the whole key from where it is kept, without quotes, or create one in the Raff dashboard (API Keys)."}
	}
	return parsed, nil
}

// parseKeyVariable returns the key in RAFF_API_KEY, which contains value.
func parseKeyVariable(value string) (Key, error) {
	const expand = "The MCP client passed it on unexpanded: set the variable where the client runs, " +
		"or write the key into the client's env block for this server."
	key, err := parseKey(value, keyVariable, expand)
	return Key{Secret: key, Source: keyVariable}, err
}

// readKeyFileVariable returns the key in the file that RAFF_API_KEY_FILE names.
func readKeyFileVariable(path string, env Environment) (Key, error) {
	switch {
	case isEncrypted(path):
		return Key{}, encryptedError(keyFileVariable, "path")
	case isExample(path):
		return Key{}, &keyError{keyFileVariable + " contains example text instead of a path.",
			"Replace it with the path of a file that contains only the key."}
	case isUnexpanded(path):
		return Key{}, &keyError{keyFileVariable + " contains an unexpanded placeholder instead of a path.",
			"The MCP client passed it on unexpanded: write the path itself into the client's env block for this server."}
	}
	path, text, shared, err := readKeyFile(path, env.homeDir())
	if err != nil {
		return Key{}, keyFileError(path, err)
	}
	source := printable.String(path) + " (" + keyFileVariable + ")"
	key, err := parseKey(text, source, "Write the key itself into the file.")
	found := Key{Secret: key, Source: source}
	if shared {
		found.Warnings = []string{sharedWarning(path)}
	}
	return found, err
}

// KeyFile returns the path of the file that RAFF_API_KEY_FILE names, or "" if it names none
// that can be found.
func KeyFile(env Environment) string {
	path, ok := expandHome(env.variable(keyFileVariable), env.homeDir())
	if !ok {
		return ""
	}
	return path
}

// readKeyFile returns the contents of the file at path, and the path with ~ replaced.
func readKeyFile(path, home string) (full, text string, shared bool, err error) {
	path, ok := expandHome(path, home)
	if !ok {
		return path, "", false, fmt.Errorf("%s: there is no home directory", printable.String(path))
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
var unexpanded = lazyregexp.New(`(?is)\$[{(]|\{\{|^\{.*\}$|^\$\w|^%\w+%`)

func isUnexpanded(value string) bool { return unexpanded.MatchString(value) }

var (
	// example matches text from documentation that the user should have replaced.
	example = lazyregexp.New(`(?is)^<.*>$|^your[-_ ]`)
	// exampleKey matches more such text, which can only stand for a key.
	exampleKey = lazyregexp.New(`(?is)^(raff_)?(your|my|insert|paste|enter|replace|change|put)[-_ ]?(your|my|raff|api|key|token|secret|me|it|this|with|the)([-_ ]|$)|[-_ ]here$|^(raff_)?api[-_ ]?key$|^raff_(pub_)?x{4,}$|^x{3,}$`)
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
