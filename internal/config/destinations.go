package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rafftechnologies/raff-mcp/internal/commandline"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/internal/suggest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// A Destination is a place for new secrets, with a name by which a call can choose it.
type Destination struct {
	Name        string
	Description string // on one line, "" for none
	// Kind is "command", "env-file", "file" or "keyring".
	Kind     string
	Command  string // for "command"
	Path     string // for "env-file" and "file": an absolute path
	Variable string // for "env-file"
	Locks    string // the absolute path of the directory for lock files

	line int // where it is configured
}

// destinationsEntry is the name of the entry that contains the destinations.
const destinationsEntry = "destinations"

const (
	maxDestinations      = 50
	maxDescriptionLength = 200 // characters
	maxValueBytes        = 4096
)

var (
	destinationName = lazyregexp.New(`^[a-z0-9._-]{1,64}$`)
	variableName    = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// shells expand variables, unlike the program itself. env may start one.
	shells = []string{"sh", "bash", "dash", "ash", "ksh", "zsh", "fish", "env", "pwsh", "powershell", "cmd"}
)

// destinationKinds are the properties of which a destination has exactly one.
var destinationKinds = []string{"command", "env-file", "file", "keyring"}

// destinationProperties are all properties of a destination.
var destinationProperties = append(slices.Clone(destinationKinds), "variable", "description")

const destinationExample = "Write a name and where it is, as in local: {env-file: ~/site/.env, variable: RAFF_API_KEY}"

// readDestinations reads the map of destinations. Its errors name the line and the
// destination, and do not quote values.
func (f *settingsFile) readDestinations(value *yaml.Node) error {
	value = resolve(value)
	if value.Kind != yaml.MappingNode || len(value.Content) == 0 {
		return lineError(value, "destinations: not a map of names. "+destinationExample)
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		d, err := f.readDestination(value.Content[i], resolve(value.Content[i+1]))
		if err != nil {
			return err
		}
		f.destinations = append(f.destinations, d)
	}
	if len(f.destinations) > maxDestinations {
		return lineError(value, fmt.Sprintf("destinations: more than %d. Remove some: an assistant chooses among all of them.", maxDestinations))
	}
	return nil
}

// readDestination reads one destination.
func (f *settingsFile) readDestination(name, value *yaml.Node) (Destination, error) {
	if name.Kind != yaml.ScalarNode || !destinationName.MatchString(name.Value) || strings.HasPrefix(name.Value, "raff_") {
		return Destination{}, lineError(name, "destinations: an invalid name. Use 1 to 64 lower-case letters, digits, hyphens, underscores and dots.")
	}
	d := Destination{Name: name.Value, Locks: filepath.Join(f.home, ".raff", "locks"), line: name.Line}
	fail := func(at *yaml.Node, text string) (Destination, error) {
		return Destination{}, lineError(at, "destination "+name.Value+": "+text)
	}
	if f.hasDestination(d.Name) {
		return fail(name, "a name that is also in a line before. Rename one of them.")
	}
	if value.Kind != yaml.MappingNode {
		return fail(value, "not a map. "+destinationExample)
	}
	var given []string
	for i := 0; i+1 < len(value.Content); i += 2 {
		key, v := value.Content[i], resolve(value.Content[i+1])
		if slices.Contains(given, key.Value) {
			return fail(key, key.Value+": given twice. Remove one of them.")
		}
		if key.Kind != yaml.ScalarNode || !slices.Contains(destinationProperties, key.Value) {
			return fail(key, unknownProperty(key.Value))
		}
		given = append(given, key.Value)
		if err := d.set(key.Value, v, f.home); err != nil {
			return fail(v, key.Value+": "+err.Error())
		}
	}
	if err := d.complete(given); err != nil {
		return fail(name, err.Error())
	}
	if err := f.checkPlace(d); err != nil {
		return fail(name, err.Error())
	}
	return d, nil
}

func (f *settingsFile) hasDestination(name string) bool {
	return slices.ContainsFunc(f.destinations, func(d Destination) bool { return d.Name == name })
}

// unknownProperty is the error of a property that no destination has.
func unknownProperty(name string) string {
	text := "unknown property" + suggest.Quote(name) + ". "
	if nearest := suggest.Nearest(name, destinationProperties); nearest != "" {
		return text + "Did you mean " + nearest + "?"
	}
	return text + "The properties are " + strings.Join(destinationProperties, ", ") + "."
}

// set sets a property.
func (d *Destination) set(property string, value *yaml.Node, home string) error {
	if property == "keyring" {
		if value.ShortTag() != "!!bool" || value.Value != "true" {
			return message("must be true. Remove the line if the secret goes elsewhere.")
		}
		d.Kind = "keyring"
		return nil
	}
	text, err := destinationText(value)
	if err != nil {
		return err
	}
	switch property {
	case "description":
		d.Description = printable.String(strings.Join(strings.Fields(text), " "))
		if len([]rune(d.Description)) > maxDescriptionLength {
			err = message(fmt.Sprintf("longer than %d characters. Shorten it.", maxDescriptionLength))
		}
		return err
	case "variable":
		if d.Variable = text; !variableName.MatchString(text) {
			err = message("not the name of a variable. Use letters, digits and underscores, as in RAFF_API_KEY.")
		}
		return err
	case "command":
		d.Kind, d.Command = "command", text
		return checkCommandPlaceholder(text)
	}
	d.Kind = property
	d.Path, err = destinationPath(text, home)
	return err
}

// destinationText returns a value that is a text without a key.
func destinationText(value *yaml.Node) (string, error) {
	text := strings.TrimSpace(value.Value)
	switch {
	case value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" && text != "":
		return "", message("a value of the wrong type. Write text, in quotes if necessary.")
	case text == "":
		return "", message("no value. Give it one, or remove the line.")
	case raffclient.ContainsKey(text) || strings.HasPrefix(text, "raff_"):
		return "", errEmbeddedKey
	case len(text) > maxValueBytes:
		return "", message(fmt.Sprintf("longer than %d bytes. Shorten it.", maxValueBytes))
	}
	return text, nil
}

// checkCommandPlaceholder refuses ${…} unless a shell runs the command: nothing else
// replaces it.
func checkCommandPlaceholder(command string) error {
	program := strings.ToLower(filepath.Base(strings.ReplaceAll(strings.Fields(command)[0], `\`, "/")))
	if slices.Contains(shells, strings.TrimSuffix(program, ".exe")) || !strings.Contains(command, "${") && !isUnexpanded(command) {
		return nil
	}
	return message("contains an unexpanded placeholder (${…}), and no shell runs the command. Write the value itself there, or start the command with sh -c.")
}

// destinationPath returns the absolute path of a file.
func destinationPath(text, home string) (string, error) {
	if err := checkPlaceholder(text); err != nil {
		return "", err
	}
	if printable.String(text) != text {
		return "", message("contains characters that cannot be printed. Remove them.")
	}
	path, _ := expandHome(text, home) // the file with destinations is in a home directory
	switch {
	case !filepath.IsAbs(path):
		return "", errors.New("must be an absolute path or begin with ~/")
	case os.IsPathSeparator(text[len(text)-1]) || filepath.Dir(path) == filepath.Clean(path):
		return "", message("names a directory. Write the path of a file.")
	}
	return filepath.Clean(path), nil
}

// complete checks that the properties that were given fit together.
func (d *Destination) complete(given []string) error {
	var kinds []string
	for _, kind := range destinationKinds {
		if slices.Contains(given, kind) {
			kinds = append(kinds, kind)
		}
	}
	switch {
	case len(kinds) == 0:
		return message("does not say where it is. Add one of " + strings.Join(destinationKinds, ", ") + ".")
	case len(kinds) > 1:
		return message("has " + strings.Join(kinds, " and ") + ". Remove all but one.")
	case d.Kind == "env-file" && d.Variable == "":
		return message("env-file needs a variable. Add the name that the secret gets there, as in variable: RAFF_API_KEY")
	case d.Kind != "env-file" && d.Variable != "":
		return message("variable has no effect without env-file. Remove it.")
	case d.Kind == "command":
		if _, err := commandline.Split(d.Command); err != nil {
			return fmt.Errorf("command: %w", err)
		}
	}
	return nil
}

// checkPlace returns an error if a delivery to d would replace what another destination or
// the program itself keeps in the same place.
func (f *settingsFile) checkPlace(d Destination) error {
	if d.Path == "" {
		return nil
	}
	for _, own := range []string{f.path, filepath.Join(f.home, ".raff", "config.yaml")} {
		if samePath(d.Path, own) {
			return message("would change the configuration of raff-mcp. Choose another file.")
		}
	}
	for _, other := range f.destinations {
		if samePath(d.Path, other.Path) && (d.Variable == other.Variable || d.Variable == "" || other.Variable == "") {
			return message(fmt.Sprintf("is the same place as destination %s (line %d). Remove one of them.", other.Name, other.line))
		}
	}
	return nil
}

func samePath(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}
