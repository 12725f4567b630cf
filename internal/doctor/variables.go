package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/config"
)

// keyVariable begins the names of the variables that say where the server's key is.
const keyVariable = "RAFF_API_KEY"

// checkPlaceholders reports the placeholders that reach the server.
func (c Config) checkPlaceholders(r *Result, e Entry) {
	if len(e.Unexpanded) == 0 {
		return
	}
	var list []string
	for _, text := range e.Unexpanded {
		list = append(list, clean(text))
	}
	r.fail("placeholders", fmt.Sprintf("%s does not replace this, because the variable is not set or the client does not know the form: %s", e.Title, strings.Join(list, "; ")),
		"Set the variable where the client is started, or write the value itself into the entry. A key is better kept in the keychain (`raff-mcp login`) or in a file (RAFF_API_KEY_FILE).")
}

// checkWithheld reports variables of the program that are set here and do not reach the
// server. That matters unless the server gets the same setting in another way: without one
// of them, it has no key, or shows new secrets to the assistant.
func (c Config) checkWithheld(r *Result, e Entry, keySource string) {
	var missing, harmless []string
	for _, name := range e.Withheld {
		i := slices.IndexFunc(c.Settings, func(s config.Setting) bool { return s.Env == name })
		switch {
		case i < 0 || variable(e.Launch.Env, name) != "": // not ours, or set by the entry
		case strings.HasPrefix(name, keyVariable) && keySource != "", hasFlag(e.Launch.Args, c.Settings[i].Flag):
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

// hasFlag reports whether the arguments set a flag.
func hasFlag(args []string, flag string) bool {
	return flag != "" && slices.ContainsFunc(args, func(arg string) bool {
		return arg == "--"+flag || strings.HasPrefix(arg, "--"+flag+"=")
	})
}
