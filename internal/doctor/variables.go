package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// keyVariable begins the names of the variables that say where the server's key is.
const keyVariable = "RAFF_API_KEY"

// placeholder matches what clients replace: ${NAME}, ${env:NAME}, {env:NAME}, %NAME%.
var placeholder = lazyregexp.New(`\$\{[^{}]+\}|\{(?:env|file):[^{}]+\}|^%\w+%$|^\$[A-Za-z_]\w*$`)

// checkPlaceholders reports the placeholders that reach the server, and those that are
// lost if the server lacks what they stand for.
func (c Config) checkPlaceholders(r *Result, e Entry, s server) {
	var kept, lost, asked []string
	add := func(list *[]string, text string) {
		if text = clean(text); !slices.Contains(*list, text) {
			*list = append(*list, text)
		}
	}
	for _, text := range e.Unexpanded {
		switch reaches := reachesServer(e.Launch, text); {
		case strings.HasPrefix(text, "${input:"):
			add(&asked, text)
		case reaches && strings.Contains(text, "RAFF_KEY_"): // for the command that receives secrets
		case reaches:
			add(&kept, text)
		default:
			add(&lost, text)
		}
	}
	for _, text := range c.leftPlaceholders(e.Launch) {
		if !slices.ContainsFunc(slices.Concat(kept, asked), func(known string) bool { return strings.HasPrefix(text, known) }) {
			add(&kept, text)
		}
	}
	c.judgePlaceholders(r, e, s, kept, lost, asked)
}

func (c Config) judgePlaceholders(r *Result, e Entry, s server, kept, lost, asked []string) {
	const fix = "Set the variable where the client is started, or write the value itself into the entry. A key is better kept in a file (RAFF_API_KEY_FILE) or with `raff-mcp login`."
	if len(asked) > 0 {
		r.fail("placeholders", fmt.Sprintf("%s asks the user for %s when it starts the server, which cannot be repeated here", e.Title, strings.Join(asked, ", ")),
			"Start the server in the client and look at its log; the other checks are without that value.")
	}
	if len(kept) > 0 {
		r.fail("placeholders", fmt.Sprintf("%s does not replace this, because the variable is not set or the client does not know the form: %s", e.Title, strings.Join(kept, ", ")), fix)
	}
	switch list := strings.Join(lost, ", "); {
	case list == "":
	case s.keySource == "":
		r.fail("placeholders", fmt.Sprintf("%s replaces this with nothing, because the variable is not set: %s", e.Title, list), fix)
	default:
		r.pass("placeholders", "%s replaces %s with nothing, because the variable is not set; the server works without it", e.Title, list)
	}
}

// leftPlaceholders returns what looks like a placeholder in the arguments and in the
// program's own variables, except where it is meant for a shell.
func (c Config) leftPlaceholders(l Launch) (list []string) {
	for i, arg := range l.Args {
		if !takesCommand(arg) && (i == 0 || !takesCommand(l.Args[i-1])) {
			list = append(list, placeholder.Get().FindAllString(arg, -1)...)
		}
	}
	for _, s := range c.Settings {
		if s.Env != "" && !strings.HasSuffix(s.Env, "_COMMAND") {
			for _, text := range placeholder.Get().FindAllString(variable(l.Env, s.Env), -1) {
				list = append(list, text+" in "+s.Env)
			}
		}
	}
	return list
}

// takesCommand reports whether an argument is, or is followed by, a command line, in which
// ${NAME} is meant for a shell.
func takesCommand(arg string) bool {
	name, _, _ := strings.Cut(arg, "=")
	return strings.HasPrefix(name, "--") && strings.HasSuffix(name, "-command")
}

// reachesServer reports whether a placeholder is in what the client passes on.
func reachesServer(l Launch, text string) bool {
	return slices.ContainsFunc(slices.Concat([]string{l.Command}, l.Args, l.Env), func(value string) bool { return strings.Contains(value, text) })
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
