package config

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/suggest"
)

// variablePrefix begins the names of variables that only this program reads.
const variablePrefix = "RAFF_MCP_"

// checkVariables returns an error if a variable is set that has the program's prefix and
// is none of its settings. It may be a misspelled one, such as RAFF_MCP_READ_ONLY, without
// which the program would do more than it should. The error contains no value.
func checkVariables(env Environment, settings []Setting) error {
	if env.Environ == nil {
		return nil
	}
	var known []string
	for _, s := range settings {
		if strings.HasPrefix(s.Env, variablePrefix) {
			known = append(known, strings.TrimPrefix(s.Env, variablePrefix))
		}
	}
	for _, variable := range env.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.TrimSpace(value) == "" || len(name) < len(variablePrefix) || !strings.EqualFold(name[:len(variablePrefix)], variablePrefix) {
			continue
		}
		if !slices.ContainsFunc(known, func(rest string) bool { return sameVariable(name, variablePrefix+rest) }) {
			return unknownVariableError(name, known)
		}
	}
	return nil
}

// misspelledKeyVariable returns a warning if none of the variables for the key is set, but
// another one that looks like one of them. It contains no value.
func misspelledKeyVariable(env Environment) string {
	if env.Environ == nil {
		return ""
	}
	known := keyVariables()
	found := ""
	for _, variable := range env.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case strings.TrimSpace(value) == "":
		case slices.ContainsFunc(known, func(k string) bool { return sameVariable(name, k) }):
			return ""
		case strings.HasPrefix(strings.ToUpper(name), keyVariable+"_") || suggest.Nearest(name, known) != "":
			found = name
		}
	}
	if found == "" {
		return ""
	}
	rest, ok := strings.CutPrefix(strings.ToUpper(found), "RAFF_")
	if !ok || suggest.Quote(rest) == "" {
		found = "a variable that begins with RAFF_"
	}
	return fmt.Sprintf("%s has no effect: the variables for the key are %s. Correct its name.", found, strings.Join(known, ", "))
}

// sameVariable reports whether two names are those of one variable.
func sameVariable(a, b string) bool {
	return a == b || runtime.GOOS == "windows" && strings.EqualFold(a, b)
}

func unknownVariableError(name string, known []string) error {
	prefix, rest := name[:len(variablePrefix)], name[len(variablePrefix):]
	if suggest.Quote(rest) == "" {
		return message("an unknown variable is set that begins with RAFF_MCP_. Unset it; raff-mcp -h lists the variables.")
	}
	if nearest := suggest.Nearest(rest, known); nearest != "" {
		return fmt.Errorf("%s%s: unknown variable. Did you mean %s%s?", prefix, rest, variablePrefix, nearest)
	}
	return message(fmt.Sprintf("%s%s: unknown variable. Unset it; raff-mcp -h lists the variables.", prefix, rest))
}
