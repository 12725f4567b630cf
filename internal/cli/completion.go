package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// addCompletion adds cobra's command for shell completion, without its errors, which
// repeat arguments, and completes the values of flags.
func addCompletion(root *cobra.Command) {
	for _, s := range settings() {
		if s.Flag != "" && !s.IsBool {
			// The only error is a flag that does not exist.
			_ = root.RegisterFlagCompletionFunc(s.Flag, completeValue(s))
		}
	}
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.RunE = func(cmd *cobra.Command, args []string) error { return usageError{rejectShell(cmd, args)} }
		cmd.Args = cobra.ArbitraryArgs
		for _, shell := range cmd.Commands() {
			shell.Args = func(cmd *cobra.Command, args []string) error {
				if err := rejectArguments(cmd, args); err != nil {
					return usageError{err}
				}
				return nil
			}
		}
	}
}

// completeValue returns a function that completes the value of a flag.
func completeValue(s config.Setting) cobra.CompletionFunc {
	switch {
	case s.IsList:
		return completeList(s.Values)
	case s.IsFile:
		return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		}
	case s.IsDir:
		return func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		}
	}
	return cobra.FixedCompletions(s.Values, cobra.ShellCompDirectiveNoFileComp)
}

// completeList returns a function that completes the last of several values, which are
// separated by commas.
func completeList(values []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, text string) ([]cobra.Completion, cobra.ShellCompDirective) {
		given := text[:strings.LastIndex(text, ",")+1]
		var lists []cobra.Completion
		for _, v := range values {
			if strings.HasPrefix(given+v, text) && !slices.Contains(strings.Split(given, ","), v) {
				lists = append(lists, given+v)
			}
		}
		return lists, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// completeTool completes the name of a tool.
func completeTool(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, t := range tools.All() {
		if strings.HasPrefix(t.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(t.Name, t.Title))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeHelp completes the name of a command and that of a tool after it.
func completeHelp(help *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		if cmd, _, err := help.Root().Find(args[:1]); err == nil && takesTool(cmd) {
			return completeTool(cmd, args[1:], prefix)
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, c := range help.Root().Commands() {
		if c.IsAvailableCommand() && strings.HasPrefix(c.Name(), prefix) {
			names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
