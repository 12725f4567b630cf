package clients

import (
	"bytes"
	"encoding/json"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// stringOrComment matches a text in quotes or a comment.
var stringOrComment = lazyregexp.New(`"(?:[^"\\]|\\.)*"|//[^\n]*|(?s:/\*.*?\*/)`)

// checkGemini returns an error if Gemini CLI does not accept a file that is otherwise JSON
// with comments. It then does not start at all (measured with 0.61.0).
func checkGemini(text []byte) error {
	const fix = "Remove it, and try again"
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		return &confedit.Error{Problem: "it begins with a byte order mark, which Gemini CLI does not accept", Fix: fix}
	}
	plain := stringOrComment.Get().ReplaceAllFunc(text, func(match []byte) []byte {
		if match[0] == '"' {
			return match
		}
		return nil
	})
	if len(bytes.TrimSpace(plain)) > 0 && !json.Valid(plain) {
		return &confedit.Error{Problem: "it contains a trailing comma, which Gemini CLI does not accept", Fix: fix}
	}
	return nil
}
