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
