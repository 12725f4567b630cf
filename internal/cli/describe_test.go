package cli

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/tools"
)

// The example in a tool's description works as it stands, in a new sandbox.
func TestExamplesOfTools(t *testing.T) {
	command := regexp.MustCompile(`(?m)^  raff-mcp (call --sandbox) (\S+) '(.*)'$`)
	for _, tool := range tools.All() {
		t.Run(tool.Name, func(t *testing.T) {
			code, stdout, stderr := runProgram(fakeEnvironment(t, nil), "tools", tool.Name)
			words := command.FindStringSubmatch(stdout)
			if code != exitOK || words == nil {
				t.Fatalf("there is no example (tools/examples.go): got exit code %d, %q, %q", code, stdout, stderr)
			}
			code, stdout, stderr = runProgram(fakeEnvironment(t, nil), append(strings.Fields(words[1]), words[2:]...)...)
			if code != exitOK || !json.Valid([]byte(stdout)) || strings.Contains(stdout, `"not_applied"`) {
				t.Errorf("%s: got exit code %d, %q, %q", words[0], code, stdout, stderr)
			}
		})
	}
}

// The table has every argument, on lines that fit into a terminal.
func TestDescriptionsOfTools(t *testing.T) {
	for _, tool := range tools.All() {
		var schema struct {
			Properties map[string]struct{ Description string }
			Required   []string
		}
		if err := json.Unmarshal(tool.Definition().RawInputSchema, &schema); err != nil {
			t.Fatal(err)
		}
		_, got, _ := runProgram(fakeEnvironment(t, nil), "tools", tool.Name)
		for name, p := range schema.Properties {
			first, _, _ := strings.Cut(p.Description, " ")
			if !regexp.MustCompile(`(?m)^` + name + ` .*` + regexp.QuoteMeta(first)).MatchString(got) {
				t.Errorf("%s: does not describe %s: %s", tool.Name, name, got)
			}
		}
		for _, name := range schema.Required {
			if !regexp.MustCompile(`(?m)^` + name + ` .* required( |$)`).MatchString(got) {
				t.Errorf("%s: does not require %s: %s", tool.Name, name, got)
			}
		}
		table, _, _ := strings.Cut(got, "\nExample")
		for line := range strings.Lines(table) {
			if n := len([]rune(line)); n > 120 || strings.HasSuffix(line, " \n") {
				t.Errorf("%s: a line of %d characters: %q", tool.Name, n, line)
			}
		}
	}
}

func TestDescribeArguments(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"string"}`:                                          "text",
		`{"type":"string","minLength":1}`:                            "text",
		`{"type":"string","minLength":2}`:                            "text, at least 2 characters",
		`{"type":"string","maxLength":64}`:                           "text, at most 64 characters",
		`{"type":"string","minLength":1,"maxLength":128}`:            "text, 1 to 128 characters",
		`{"type":"string","pattern":"^a$"}`:                          "text, matching ^a$",
		`{"type":"string","format":"uuid"}`:                          "UUID",
		`{"type":"string","format":"date-time"}`:                     "date and time",
		`{"type":"string","format":"email"}`:                         "e-mail address",
		`{"type":"string","format":"uri"}`:                           "uri",
		`{"type":"string","enum":["a","b"]}`:                         "a or b",
		`{"type":"integer","minimum":1,"maximum":200}`:               "integer, 1 to 200",
		`{"type":"integer","minimum":1}`:                             "integer, at least 1",
		`{"type":"boolean"}`:                                         "true or false",
		`{"type":"array","minItems":1,"items":{"type":"string"}}`:    "list of text, at least one",
		`{"type":"array","items":{"type":"string","format":"uuid"}}`: "list of UUID",
		`{"type":"array"}`:                                           "array",
		`{"type":["string","null"],"format":"date-time"}`:            "date and time or null",
		`{"type":["string","null"]}`:                                 "text or null",
	} {
		var a argument
		if err := json.Unmarshal([]byte(schema), &a); err != nil {
			t.Errorf("%s: %v", schema, err)
			continue
		}
		if got := a.typeText(); got != want {
			t.Errorf("%s: got %q, want %q", schema, got, want)
		}
	}
}
