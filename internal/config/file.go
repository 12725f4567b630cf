package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/internal/suggest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const maxSettingsBytes = 1 << 20

// A settingsFile is what .raff/mcp.yaml in the home directory contains.
type settingsFile struct {
	path         string            // "" if there is none
	home         string            // the home directory
	values       map[string]string // by Setting.Flag, as text for Setting.set
	destinations []Destination
}

// readSettingsFile reads .raff/mcp.yaml below home, if it exists. Its errors name the file
// and the line, and do not quote values, which may be keys.
//
// The file decides where secrets go and what is permitted. A file that cannot be read, or
// that another user can change, is therefore an error. Without a home directory there is no
// file: one in the working directory may come from a repository.
func readSettingsFile(home string, settings []Setting) (settingsFile, error) {
	if home == "" {
		return settingsFile{}, nil
	}
	path := filepath.Join(home, ".raff", "mcp.yaml")
	text, err := readTrusted(path)
	if errors.Is(err, errNoFile) {
		return settingsFile{}, nil
	}
	if err != nil {
		return settingsFile{}, err
	}
	f := settingsFile{path: path, home: home, values: map[string]string{}}
	if err := f.decode(text, settings); err != nil {
		return settingsFile{}, fmt.Errorf("%s: %w", printable.String(path), err)
	}
	return f, nil
}

var errNoFile = errors.New("no file")

// readTrusted reads a file that nobody but the user can change. The error is errNoFile if
// there is nothing at path. A symbolic link is followed; one that leads nowhere is an error,
// because the settings that it should lead to are missing.
func readTrusted(path string) ([]byte, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, errNoFile
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, pathError(path, err)
	}
	for _, p := range []string{filepath.Dir(path), filepath.Dir(target), target} {
		if err := checkTrusted(p, "who could decide where secrets go"); err != nil {
			return nil, err
		}
	}
	text, _, err := readPrivate(target, maxSettingsBytes)
	return text, err
}

// checkTrusted returns an error if another user can change the file or directory; risk is
// what they could do. In a directory with the sticky bit, others cannot replace the user's
// files.
func checkTrusted(path, risk string) error {
	info, err := os.Stat(path)
	if err != nil {
		return pathError(path, err)
	}
	name := printable.String(path)
	if isForeign(info) {
		return message(fmt.Sprintf("%s belongs to another user, %s. Make it your own, or remove it.", name, risk))
	}
	if hasModes && info.Mode().Perm()&0o022 != 0 && info.Mode()&fs.ModeSticky == 0 {
		return message(fmt.Sprintf("%s can be changed by other users, %s. Protect it: chmod go-w %[1]s", name, risk))
	}
	return nil
}

// source names the setting in messages.
func (f settingsFile) source(flag string) string { return printable.String(f.path) + ": " + flag }

// decode reads the entries of the file.
func (f *settingsFile) decode(text []byte, settings []Setting) error {
	root, err := parseSettings(text)
	if err != nil || root == nil {
		return err
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		name, value := root.Content[i], root.Content[i+1]
		if name.Kind != yaml.ScalarNode {
			return lineError(name, "the name of a setting must be text. Write one setting in each line, as in read-only: true")
		}
		if seen[name.Value] { // yaml does not notice it in a yaml.Node
			return lineError(name, "the setting"+suggest.Quote(name.Value)+" is given twice. Remove one of the lines.")
		}
		seen[name.Value] = true
		if err := f.add(name, value, settings); err != nil {
			return err
		}
	}
	return nil
}

// add adds one entry of the file: a setting by the name of its flag. An entry that is not a
// setting is read here, by its name.
func (f *settingsFile) add(name, value *yaml.Node, settings []Setting) error {
	if name.Value == destinationsEntry {
		return f.readDestinations(value)
	}
	for _, s := range settings {
		if s.Flag == name.Value && s.Flag != "" {
			text, err := settingText(s, value)
			if err != nil {
				return err
			}
			f.values[s.Flag] = text
			return nil
		}
	}
	return unknownEntry(name, value, settings)
}

// unknownEntry is the error of an entry that the program does not know. It may be a
// misspelled setting, without which the program would do more than it should.
func unknownEntry(name, value *yaml.Node, settings []Setting) error {
	if isKeyName(name.Value) || strings.HasPrefix(value.Value, "raff_") || raffclient.ContainsKey(value.Value) {
		return lineError(name, "the API key does not belong in this file. Remove it, and run raff-mcp login, which stores a key in the system keychain.")
	}
	flags := []string{destinationsEntry}
	for _, s := range settings {
		if s.Flag != "" {
			flags = append(flags, s.Flag)
		}
	}
	what := "unknown setting" + suggest.Quote(name.Value) + ". "
	if nearest := suggest.Nearest(name.Value, flags); nearest != "" {
		return lineError(name, what+"Did you mean "+nearest+"?")
	}
	return lineError(name, what+"Remove it; the names are those of the flags that raff-mcp -h lists.")
}

// isKeyName reports whether somebody who writes a setting of that name means the API key.
func isKeyName(name string) bool {
	name = strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
	return strings.Contains(name, "apikey") || slices.Contains([]string{"key", "raffkey", "token", "secret"}, name)
}

// parseSettings returns the map that the file consists of, or nil if the file is empty.
func parseSettings(text []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, syntaxError(err)
	}
	if document.Kind == 0 || len(document.Content) == 0 {
		return nil, nil
	}
	if err := yaml.Load(text, new(yaml.Node)); err != nil { // Unmarshal reads only the first document
		return nil, message("contains more than one YAML document. Remove the line --- and what follows it, or join them.")
	}
	switch root := document.Content[0]; {
	case root.Kind == yaml.MappingNode:
		return root, nil
	case root.ShortTag() == "!!null":
		return nil, nil
	default:
		return nil, lineError(root, "not a map of settings. Write one setting in each line, as in read-only: true")
	}
}

// syntaxError returns an error with only the line of a YAML error, whose text quotes the
// file.
func syntaxError(err error) error {
	const remedy = "not valid YAML. Write one setting in each line, as in read-only: true"
	if e, ok := errors.AsType[*yaml.LoadError](err); ok && e.Mark.Line > 0 {
		return message(fmt.Sprintf("line %d: %s", e.Mark.Line, remedy))
	}
	return message(remedy)
}

func lineError(at *yaml.Node, text string) error {
	return message(fmt.Sprintf("line %d: %s", at.Line, text))
}

// settingText returns the value of a setting as text: that of a list as with commas.
func settingText(s Setting, value *yaml.Node) (string, error) {
	value = resolve(value)
	items := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		if !s.IsList {
			return "", lineError(value, s.Flag+": a list. It takes one value.")
		}
		items = value.Content
	}
	var texts []string
	for _, item := range items {
		text, err := scalarText(s, resolve(item))
		if err != nil {
			return "", err
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "", noValue(s, value)
	}
	return strings.Join(texts, ","), nil
}

// scalarText returns a single value as text. An empty one is an error, because somebody who
// writes read-only: and nothing after it means something.
func scalarText(s Setting, value *yaml.Node) (string, error) {
	if value.Kind == yaml.ScalarNode {
		switch value.ShortTag() {
		case "!!null":
			return "", noValue(s, value)
		case "!!str", "!!bool", "!!int", "!!float", "!!timestamp":
			text := strings.TrimSpace(value.Value)
			if text == "" {
				return "", noValue(s, value)
			}
			return text, nil
		}
	}
	return "", lineError(value, s.Flag+": a value of the wrong type. Write text, a number, or true or false.")
}

func noValue(s Setting, at *yaml.Node) error {
	return lineError(at, s.Flag+": no value. Give it one, or remove the line.")
}

// resolve returns what an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias
	}
	return n
}
