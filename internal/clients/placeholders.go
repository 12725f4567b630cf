package clients

import (
	"path/filepath"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// placeholders are the texts that a client replaces with values. The zero value has none.
type placeholders struct {
	// pattern matches them. A group "variable" contains the name of an environment variable,
	// "default" the value if that is unset, and "name" the name of something else.
	pattern *lazyregexp.Regexp
	// unset says what becomes of a placeholder of a variable that is unset and has no
	// default. Any other without a value stays as it is.
	unset unset
	// refer returns the placeholder of a variable.
	refer func(variable string) string
}

// An unset says what becomes of a placeholder of a variable that is unset.
type unset int

const (
	keeps   unset = iota // it stays as it is
	removes              // it is removed
)

// shellPlaceholders are ${NAME} and ${NAME:-default}. An empty variable is not unset.
var shellPlaceholders = placeholders{
	pattern: lazyregexp.New(`\$\{(?P<variable>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}`),
	refer:   func(name string) string { return "${" + name + "}" },
}

// bareShellPlaceholders are those and $NAME.
var bareShellPlaceholders = placeholders{
	pattern: lazyregexp.New(`\$(?:\{(?P<variable>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<variable>[A-Za-z_][A-Za-z0-9_]*))`),
	refer:   func(name string) string { return "$" + name },
}

// editorPlaceholders are those of Visual Studio Code: ${env:NAME}, ${userHome},
// ${workspaceFolder} and others. ${input:id}, which asks the user, has no value here.
var editorPlaceholders = placeholders{
	pattern: lazyregexp.New(`\$\{(?:env:(?P<variable>[^{}]+)|(?P<name>[^{}]+))\}`),
	unset:   removes,
	refer:   func(name string) string { return "${env:" + name + "}" },
}

// opencodePlaceholders are {env:NAME}. {file:path} has no value here.
var opencodePlaceholders = placeholders{
	pattern: lazyregexp.New(`\{(?:env:(?P<variable>[^{}]+)|(?P<name>file:[^{}]+))\}`),
	unset:   removes,
	refer:   func(name string) string { return "{env:" + name + "}" },
}

// find returns the first placeholder in text, or "".
func (p placeholders) find(text string) string {
	if p.pattern == nil {
		return ""
	}
	return p.pattern.Get().FindString(text)
}

// groups returns what the groups of the pattern contain, by their names.
func (p placeholders) groups(placeholder string) map[string]string {
	groups := map[string]string{}
	at := p.pattern.Get().FindStringSubmatchIndex(placeholder)
	for i, name := range p.pattern.Get().SubexpNames() {
		if name != "" && at[2*i] >= 0 {
			groups[name] = placeholder[at[2*i]:at[2*i+1]]
		}
	}
	return groups
}

// predefined returns the value of a name that editors know.
func (d dirs) predefined(name string) (value string, ok bool) {
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
	return p.pattern.Get().ReplaceAllStringFunc(text, func(placeholder string) string {
		groups := p.groups(placeholder)
		variable, isVariable := groups["variable"]
		value, ok := x.dirs.predefined(groups["name"])
		if isVariable {
			value, ok = x.dirs.env.lookup(variable)
		}
		if !ok {
			value, ok = groups["default"]
		}
		if ok {
			return value
		}
		x.unexpanded = append(x.unexpanded, placeholder)
		if rule == removes && isVariable {
			return ""
		}
		return placeholder
	})
}
