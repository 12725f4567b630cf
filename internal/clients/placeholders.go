package clients

import (
	"path/filepath"
	"regexp"
	"strings"
)

// placeholders are the texts that a client replaces with values. The zero value has none.
type placeholders struct {
	// pattern matches them. Its groups named "name" contain what they refer to, and its
	// groups named "default", which may be missing, the value if that is unset.
	pattern *regexp.Regexp
	// resolve returns the value of what a placeholder refers to.
	resolve func(d dirs, name string) (value string, ok bool)
	// refer returns the placeholder of an environment variable.
	refer func(name string) string
	// unset says what becomes of a placeholder for which there is no value.
	unset unset
}

// An unset says what becomes of a placeholder for which there is no value.
type unset int

const (
	keeps   unset = iota // it stays as it is
	removes              // it is removed
)

// shellPlaceholders are ${NAME} and ${NAME:-default}, which applies only if the variable
// is unset: an empty one stays empty.
var shellPlaceholders = placeholders{
	pattern: regexp.MustCompile(`\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}`),
	resolve: environmentVariable,
	refer:   func(name string) string { return "${" + name + "}" },
}

// bareShellPlaceholders are those and $NAME.
var bareShellPlaceholders = placeholders{
	pattern: regexp.MustCompile(`\$(?:\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<name>[A-Za-z_][A-Za-z0-9_]*))`),
	resolve: environmentVariable,
	refer:   func(name string) string { return "$" + name },
}

// editorPlaceholders are those of Visual Studio Code: ${env:NAME}, ${userHome},
// ${workspaceFolder} and others. ${input:id}, which asks the user, has no value here.
var editorPlaceholders = placeholders{
	pattern: regexp.MustCompile(`\$\{(?P<name>[^{}]+)\}`),
	resolve: editorVariable,
	refer:   func(name string) string { return "${env:" + name + "}" },
}

// opencodePlaceholders are {env:NAME}. {file:path} has no value here.
var opencodePlaceholders = placeholders{
	pattern: regexp.MustCompile(`\{(?P<name>(?:env|file):[^{}]+)\}`),
	resolve: editorVariable,
	refer:   func(name string) string { return "{env:" + name + "}" },
}

func environmentVariable(d dirs, name string) (string, bool) { return d.env.lookup(name) }

func editorVariable(d dirs, name string) (string, bool) {
	if variable, ok := strings.CutPrefix(name, "env:"); ok {
		return d.env.lookup(variable)
	}
	switch name {
	case "userHome":
		return d.home, true
	case "workspaceFolder", "cwd":
		return d.env.Dir, true
	case "workspaceFolderBasename":
		return filepath.Base(d.env.Dir), true
	case "pathSeparator", "/":
		return strings.TrimPrefix(d.join("."), "."), true
	}
	return "", false
}

// An expander replaces the placeholders of one entry.
type expander struct {
	dirs       dirs
	rules      *rules
	unexpanded []string
}

// expand replaces the placeholders in the command, in an argument or in a path.
func (x *expander) expand(text string) string { return x.replace(text, x.rules.placeholders.unset) }

// expandVariable replaces the placeholders in the value of a variable.
func (x *expander) expandVariable(text string) string {
	if x.rules.nameAsValue {
		if value, ok := x.dirs.env.lookup(text); ok {
			return value
		}
	}
	return x.replace(text, max(x.rules.placeholders.unset, x.rules.unsetVariable))
}

func (x *expander) replace(text string, rule unset) string {
	p := x.rules.placeholders
	if p.pattern == nil {
		return text
	}
	return p.pattern.ReplaceAllStringFunc(text, func(placeholder string) string {
		name, otherwise, hasDefault := p.parse(placeholder)
		value, ok := p.resolve(x.dirs, name)
		switch {
		case ok:
			return value
		case hasDefault:
			return otherwise
		}
		x.unexpanded = append(x.unexpanded, placeholder)
		if rule == removes {
			return ""
		}
		return placeholder
	})
}

// parse returns what a placeholder refers to, and its default.
func (p placeholders) parse(placeholder string) (name, otherwise string, hasDefault bool) {
	groups := p.pattern.FindStringSubmatchIndex(placeholder)
	for i, group := range p.pattern.SubexpNames() {
		if i == 0 || groups[2*i] < 0 {
			continue
		}
		text := placeholder[groups[2*i]:groups[2*i+1]]
		switch group {
		case "name":
			name = text
		case "default":
			otherwise, hasDefault = text, true
		}
	}
	return name, otherwise, hasDefault
}

// find returns the first placeholder in text, or "".
func (p placeholders) find(text string) string {
	if p.pattern == nil {
		return ""
	}
	return p.pattern.FindString(text)
}
