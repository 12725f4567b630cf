package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/config"
)

// keyVariable begins the names of the variables that say where the server's key is.
const keyVariable = "RAFF_API_KEY"

// placeholder matches what clients replace: ${NAME}, ${env:NAME}, {env:NAME}, %NAME%.
var placeholder = regexp.MustCompile(`\$\{[^{}]+\}|\{(?:env|file):[^{}]+\}|^%\w+%$|^\$[A-Za-z_]\w*$`)

// checkPlaceholders reports the placeholders that reach the server or are lost.
func (c Config) checkPlaceholders(r *Result, e Entry) {
	var list []string
	add := func(text string) {
		if text = clean(text); !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	for _, text := range e.Unexpanded {
		if !isForCommand(e.Launch, text) {
			add(text)
		}
	}
	for i, arg := range e.Launch.Args {
		if !takesCommand(arg) && (i == 0 || !takesCommand(e.Launch.Args[i-1])) {
			for _, text := range placeholder.FindAllString(arg, -1) {
				add(text)
			}
		}
	}
	for _, s := range c.Settings {
		if s.Env != "" && !strings.HasSuffix(s.Env, "_COMMAND") {
			for _, text := range placeholder.FindAllString(variable(e.Launch.Env, s.Env), -1) {
				add(text + " in " + s.Env)
			}
		}
	}
	if len(list) > 0 {
		r.fail("placeholders", fmt.Sprintf("%s does not replace this, because the variable is not set or the client does not know the form: %s", e.Title, strings.Join(list, ", ")),
			"Set the variable where the client is started, or write the value itself into the entry. A key is better kept in a file (RAFF_API_KEY_FILE) or with `raff-mcp login`.")
	}
}

// takesCommand reports whether an argument is, or is followed by, a command line, in which
// ${NAME} is meant for a shell.
func takesCommand(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	return strings.HasPrefix(name, "--") && strings.HasSuffix(name, "-command")
}

// isForCommand reports whether a placeholder is one of the variables of the command that
// receives secrets, and reaches it.
func isForCommand(l Launch, text string) bool {
	return strings.Contains(text, "RAFF_KEY_") && slices.ContainsFunc(slices.Concat(l.Args, l.Env), func(value string) bool { return strings.Contains(value, text) })
}

// checkWithheld reports variables of the program that are set here and do not reach the
// server. That matters unless the server gets the same setting in another way: without one
// of them, it has no key, or shows new secrets to the assistant.
func (c Config) checkWithheld(r *Result, e Entry, s server) {
	var missing, harmless []string
	for _, name := range e.Withheld {
		i := slices.IndexFunc(c.Settings, func(s config.Setting) bool { return s.Env == name })
		switch {
		case i < 0 || variable(e.Launch.Env, name) != "": // not ours, or set by the entry
		case s.sandbox && isForAPI(name), strings.HasPrefix(name, "RAFF_MCP_LOG_"),
			strings.HasPrefix(name, keyVariable) && s.keySource != "", hasFlag(e.Launch.Args, c.Settings[i].Flag):
			harmless = append(harmless, name)
		default:
			missing = append(missing, name)
		}
	}
	switch {
	case len(missing) > 0:
		list := strings.Join(missing, ", ")
		r.fail("variables", fmt.Sprintf("%s withholds variables from its servers that are set here: %s", e.Title, list),
			fmt.Sprintf("Name them in the entry's env, as `raff-mcp setup --replace %s` does, or configure the same elsewhere: a key with `raff-mcp login`, a setting as a flag in the entry.", e.Client))
	case len(harmless) > 0:
		r.pass("variables", "%s withholds %s, without which the server works", e.Title, strings.Join(harmless, ", "))
	}
}

// isForAPI reports whether a variable is without effect in the sandbox.
func isForAPI(name string) bool {
	return strings.HasPrefix(name, "RAFF_API_") || name == "RAFF_PROJECT_ID"
}

// hasFlag reports whether the arguments set a flag.
func hasFlag(args []string, flag string) bool {
	return flag != "" && slices.ContainsFunc(args, func(arg string) bool {
		return arg == "--"+flag || strings.HasPrefix(arg, "--"+flag+"=")
	})
}
