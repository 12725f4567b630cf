package cli

import (
	"fmt"
	"strings"
	"testing"
)

// An error in the JSON is located, without a word of the text.
func TestCallArgumentsNotJSON(t *testing.T) {
	for text, want := range map[string]string{
		``:                               "unexpected end at line 1, column 1",
		` `:                              "unexpected end at line 1, column 2",
		`{`:                              "unexpected end at line 1, column 2",
		"{\n \"a\":":                     "unexpected end at line 2, column 6",
		`{"a":"` + planted:               "unexpected end at line 1, column 44",
		`{name:1}`:                       "unexpected character at line 1, column 2",
		`'{}'`:                           "unexpected character at line 1, column 1",
		planted:                          "unexpected character at line 1, column 1",
		`{"ä":` + planted + `}`:          "unexpected character at line 1, column 6",
		"{\"a\":1,\r\n\"b\":2,\r\n}":     "unexpected character at line 3, column 1",
		`{} {}`:                          "unexpected character at line 1, column 4",
		`{}x`:                            "unexpected character at line 1, column 3",
		`{"a":"` + planted + "\n" + `"}`: "unexpected character at line 1, column 44",
		`{"a":"` + planted + `\x` + `"}`: "unexpected character at line 1, column 45",
	} {
		want = "call: the arguments are not JSON: " + want + `. Quote them for the shell, as in '{"name":"Production CI"}'.`
		for _, args := range [][]string{{text}, {"-"}} {
			_, err := callArguments(t.Context(), args, strings.NewReader(text))
			if got := fmt.Sprint(err); got != want {
				t.Errorf("%q: got %s, want %s", text, got, want)
			}
		}
	}
}
