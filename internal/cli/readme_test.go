package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// The README's tables agree with the program.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(text)

	var rows []string
	for _, s := range settings() {
		rows = append(rows, settingRow(s))
	}
	if got, want := table(readme, "| Flag |"), strings.Join(rows, "\n"); got != want {
		t.Errorf("the README's settings:\n%s\nthe program's:\n%s", got, want)
	}
	_, help, _ := runProgram(fakeEnvironment(t, nil), "-h")
	for _, s := range settings() {
		if !strings.Contains(help, s.Env) || !strings.Contains(help, s.Usage) {
			t.Errorf("-h lacks %s%s", s.Flag, s.Env)
		}
	}

	rows = nil
	for _, toolset := range tools.Toolsets {
		rows = append(rows, toolsetRow("`"+toolset+"`", toolset))
	}
	rows = append(rows, toolsetRow("(always)", ""))
	if got, want := table(readme, "| Toolset |"), strings.Join(rows, "\n"); got != want {
		t.Errorf("the README's tools:\n%s\nthe program's:\n%s", got, want)
	}
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

// table returns the rows of the table in text whose header begins with head.
func table(text, head string) string {
	_, rest, _ := strings.Cut(text, "\n"+head)
	_, rest, _ = strings.Cut(rest, "--- |\n")
	rows, _, _ := strings.Cut(rest, "\n\n")
	return rows
}
