package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// The table of settings in the documents is that of the program, and so is the help.
func TestDocumentedSettings(t *testing.T) {
	var want []string
	for _, s := range settings() {
		want = append(want, settingRow(s))
	}
	compareRows(t, "| Flag |", want)
	_, help, _ := runProgram(fakeEnvironment(t, nil), "-h")
	for _, s := range settings() {
		if !strings.Contains(help, s.Env) || !strings.Contains(help, s.Usage) {
			t.Errorf("-h lacks %s%s", s.Flag, s.Env)
		}
	}
}

func settingRow(s config.Setting) string {
	code := func(text string) string {
		if text == "" {
			return ""
		}
		return "`" + text + "`"
	}
	flag := ""
	if s.Flag != "" {
		flag = code("--" + s.Flag)
	}
	row := "|"
	for _, cell := range []string{flag, code(s.Env), code(s.ProfileKey), code(s.Default), s.Usage} {
		row += strings.TrimRight(" "+cell, " ") + " |"
	}
	return row
}

// The table of tools in the documents is that of the program.
func TestDocumentedTools(t *testing.T) {
	var want []string
	for _, toolset := range tools.Toolsets {
		want = append(want, toolsetRow("`"+toolset+"`", toolset))
	}
	compareRows(t, "| Toolset |", append(want, toolsetRow("(always)", "")))
}

// toolsetRow lists the tools of a toolset that read, that change and that destroy.
func toolsetRow(label, toolset string) string {
	var cells [3]string
	for _, tool := range tools.All() {
		i := 1
		switch {
		case tool.Toolset != toolset:
			continue
		case *tool.Definition().Annotations.ReadOnlyHint:
			i = 0
		case *tool.Definition().Annotations.DestructiveHint:
			i = 2
		}
		cells[i] += " `" + tool.Name + "`"
	}
	return fmt.Sprintf("| %s |%s |%s |%s |", label, cells[0], cells[1], cells[2])
}

// Tables that explain the values of a setting have a row for each value.
func TestDocumentedValues(t *testing.T) {
	for _, s := range settings() {
		if s.Flag == "secrets" || s.Flag == "confirm" {
			compareNames(t, "| `--"+s.Flag+"=` |", s.Values)
		}
	}
	var codes []string
	for _, code := range []int{exitOK, exitError, exitUsage} {
		codes = append(codes, strconv.Itoa(code))
	}
	compareNames(t, "| Exit code |", codes)
}

// The table of prompts is that of the server.
func TestDocumentedPrompts(t *testing.T) {
	var out, log bytes.Buffer
	request := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"prompts/list"}` + "\n")
	if code := run(context.Background(), nil, []string{"--sandbox"}, fakeEnvironment(t, nil), request, &out, &log); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &log)
	}
	var response struct {
		Result struct {
			Prompts []struct{ Name, Description string }
		}
	}
	if err := json.Unmarshal(out.Bytes(), &response); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, p := range response.Result.Prompts {
		want = append(want, fmt.Sprintf("| `%s` | %s |", p.Name, p.Description))
	}
	compareRows(t, "| Prompt |", want)
}

// The table of outcomes has a row for each that a tool can log.
func TestDocumentedOutcomes(t *testing.T) {
	texts := programTexts(t)
	for _, outcome := range firstCells(table(t, "| Outcome |")) {
		if !slices.Contains(texts, outcome) {
			t.Errorf("no text of the program is %q", outcome)
		}
	}
}

// Flags and variables that documents mention exist.
func TestDocumentsMentionOnlyWhatExists(t *testing.T) {
	flags := map[string]bool{}
	addFlagNames(newRootCommand(&program{}), flags)
	// What a command of --secrets=command finds in its environment, and the beginning of names.
	variables := []string{"RAFF_KEY_ID", "RAFF_KEY_NAME", "RAFF_KEY_PREFIX", "RAFF_MCP"}
	for _, s := range settings() {
		variables = append(variables, s.Env)
	}
	flag, variable := regexp.MustCompile("`--([a-z][a-z-]*)"), regexp.MustCompile(`RAFF_[A-Z]+(_[A-Z]+)*`)
	for _, d := range documents(t) {
		for _, m := range flag.FindAllStringSubmatch(d.prose(), -1) {
			if !flags[m[1]] {
				t.Errorf("%s mentions --%s, which is no flag of raff-mcp. Correct it, or write the name of the program before it.", d.path, m[1])
			}
		}
		for _, name := range variable.FindAllString(d.text, -1) {
			if !slices.Contains(variables, name) {
				t.Errorf("%s mentions %s, which is no variable of raff-mcp", d.path, name)
			}
		}
	}
}

// addFlagNames adds the names of the flags of a command and its subcommands.
func addFlagNames(cmd *cobra.Command, names map[string]bool) {
	add := func(f *pflag.Flag) { names[f.Name] = true }
	cmd.Flags().VisitAll(add)
	cmd.PersistentFlags().VisitAll(add)
	for _, c := range cmd.Commands() {
		addFlagNames(c, names)
	}
}
