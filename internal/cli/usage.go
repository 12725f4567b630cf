package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/internal/suggest"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// rejectUnknown rejects arguments where a command is expected.
func rejectUnknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unknown command%s. %s", suggest.Quote(args[0]), advice(args[0], commandNames(cmd.Root()), "Run raff-mcp -h for a list."))
}

// rejectArguments rejects all arguments, without repeating them.
func rejectArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return message(fmt.Sprintf("%s: takes no arguments. Run it without them.", cmd.Name()))
	}
	return nil
}

// rejectShell rejects the arguments of the command completion, which wants a subcommand.
func rejectShell(cmd *cobra.Command, args []string) error {
	const list = "Run raff-mcp completion -h for a list."
	if len(args) == 0 {
		return message("completion: want the name of a shell. " + list)
	}
	return fmt.Errorf("completion: unknown shell%s. %s", suggest.Quote(args[0]), advice(args[0], commandNames(cmd), list))
}

// commandNames returns the names of the subcommands that help lists.
func commandNames(cmd *cobra.Command) (names []string) {
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

// advice is the second sentence of an error about an unknown word: the name that it
// resembles, or else where to look.
func advice(word string, names []string, otherwise string) string {
	if nearest := suggest.Nearest(word, names); nearest != "" {
		return "Did you mean " + nearest + "?"
	}
	return otherwise
}

// findTool returns the tool with that name.
func findTool(name string) (tools.Tool, error) {
	var names []string
	for _, t := range tools.All() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return tools.Tool{}, usageError{fmt.Errorf("unknown tool%s. %s", suggest.Quote(name), advice(name, names, "Run raff-mcp tools for a list."))}
}

// offeredTool returns the tool with that name if the configuration offers it.
func (s *session) offeredTool(name string) (tools.Tool, error) {
	t, err := findTool(name)
	if err != nil || s.tools.Offers(t) {
		return s.tools.Adapted(t), err
	}
	if !slices.Contains(s.cfg.Toolsets, t.Toolset) {
		return t, usageError{message(fmt.Sprintf("the tool %s is hidden, because %s does not contain %s. Add it there to use the tool.", name, s.cfg.Sources["toolsets"], t.Toolset))}
	}
	return t, usageError{message(fmt.Sprintf("the tool %s is hidden by %s, because it %s. Unset that to use the tool.", name, s.cfg.Sources["read-only"], t.Effect))}
}

// flagError rewords an error of pflag, which may quote a key.
func flagError(flags *pflag.FlagSet, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlagError(flags, e.GetSpecifiedName())
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return message(fmt.Sprintf("--%s: needs a value. Run raff-mcp -h to see which.", e.GetFlag().Name))
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		return message(fmt.Sprintf("--%s: must be true or false. Without a value it means true.", e.GetFlag().Name))
	}
	return message("malformed flag. Run raff-mcp -h for a list.")
}

func unknownFlagError(flags *pflag.FlagSet, name string) error {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	const list = "Run raff-mcp -h for a list."
	lower := strings.ToLower(name)
	switch {
	case lower == "k" || strings.Contains(lower, "key") || strings.Contains(lower, "token"):
		return message("there is no flag for the API key, because others can read a process's arguments. Use RAFF_API_KEY or RAFF_API_KEY_FILE.")
	case suggest.Quote(name) == "":
		return errors.New("unknown flag. " + advice(name, names, list))
	default:
		return fmt.Errorf("--%s: unknown flag. %s", name, advice(name, names, list))
	}
}
