package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// A Report is what doctor --json prints. Names of members and of checks stay the same
// from version to version; texts do not.
type Report struct {
	OK      bool     `json:"ok"`      // every check of every entry
	Version string   `json:"version"` // of this program
	Sends   []string `json:"sends"`   // what checking sends to the API
	Entries []Result `json:"entries"`
}

// A Result is what was found out about one entry.
type Result struct {
	Client     string   `json:"client,omitempty"` // missing for the program itself
	Title      string   `json:"title"`
	Scope      string   `json:"scope,omitempty"`
	File       string   `json:"file,omitempty"`
	Name       string   `json:"name,omitempty"` // of the entry
	OK         bool     `json:"ok"`
	Checks     []Check  `json:"checks"`
	NotChecked []string `json:"not_checked,omitempty"` // names of checks that others prevented
}

// A Check is one thing that is fine, or that is not.
//
// Of the entry: entry, placeholders, command. Of the server: start, handshake, binary,
// tools, key, account, permissions, expiry, tier, output, requests, exit, variables, log.
// Of the program in the same environment: configuration, files, api, clock, delivery,
// rehearsal. A name may occur several times.
type Check struct {
	Name    string   `json:"name"`
	OK      bool     `json:"ok"`
	Text    string   `json:"text"`
	Fix     string   `json:"fix,omitempty"`     // what to do, if it is not OK
	Details []string `json:"details,omitempty"` // output of the server or of a command
}

func newResult(e Entry) Result {
	return Result{Client: e.Client, Title: e.Title, Scope: e.Scope, File: clean(e.File), Name: clean(e.Name), OK: true, Checks: []Check{}}
}

// pass records that something is fine.
func (r *Result) pass(name, format string, args ...any) {
	r.add(Check{Name: name, OK: true, Text: fmt.Sprintf(format, args...)})
}

// fail records that something is not fine, and how to fix it: whole sentences.
func (r *Result) fail(name, text, fix string) { r.add(Check{Name: name, Text: text, Fix: fix}) }

func (r *Result) add(c Check) {
	r.OK = r.OK && c.OK
	r.Checks = append(r.Checks, c)
}

// skip records that something could not be checked because of what failed before.
func (r *Result) skip(names ...string) {
	for _, name := range names {
		if !slices.Contains(r.NotChecked, name) {
			r.NotChecked = append(r.NotChecked, name)
		}
	}
}

const (
	// maxText is how many characters are shown of one untrusted text.
	maxText = 2000
	// maxLines is how many lines are shown of an untrusted output.
	maxLines = 200
)

// clean returns untrusted text on one line, without control characters and without the
// secret part of anything that may be a key.
func clean(text string) string {
	return printable.Shorten(printable.String(raffclient.RedactKeys(strings.TrimSpace(text))), maxText)
}

// splitMessage splits a message of this program, which says what happened and then what to
// do, behind its first sentence.
func splitMessage(text string) (what, fix string) {
	what, fix, found := strings.Cut(text, ". ")
	if !found {
		return text, "Correct it where it is set."
	}
	return what, fix
}

// plain matches a path that a shell takes as it is.
var plain = lazyregexp.New(`^[\w@%+=:,./~-]+$`)

// quoted returns a path for a command that a person copies into a shell.
func quoted(path string) string {
	if plain.MatchString(path) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// cleanLines returns the last lines of an untrusted output, at most n.
func cleanLines(text string, n int) []string {
	text = raffclient.RedactKeys(text) // before it is split: a key may contain line breaks
	var lines []string
	for line := range strings.Lines(text) {
		if line = clean(strings.TrimRight(line, "\r\n")); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) > n {
		lines = append([]string{fmt.Sprintf("… (%d lines before)", len(lines)-n)}, lines[len(lines)-n:]...)
	}
	return lines
}
