package mcptest

import (
	"encoding/json"
	"fmt"
)

// Initialized is the notification that follows initialize.
const Initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`

// Initialize returns a request for initialize. The ID and the capabilities are JSON.
func Initialize(id, revision, client, capabilities string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"initialize","params":{"protocolVersion":%q,"capabilities":%s,"clientInfo":{"name":%q,"version":"1"}}}`,
		id, revision, capabilities, client)
}

// Call returns a request for a tool. The ID and the arguments are JSON. Further members
// of params may follow.
func Call(id, tool, arguments string, members ...string) string {
	text := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":%q`, id, tool)
	if arguments != "" {
		text += `,"arguments":` + arguments
	}
	for _, member := range members {
		text += "," + member
	}
	return text + "}}"
}

// Stateless returns the member of params with which a request is one of the stateless
// protocol revision. The capabilities are JSON.
func Stateless(client, capabilities string) string {
	return fmt.Sprintf(`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":%q,"version":"1"},"io.modelcontextprotocol/clientCapabilities":%s}`,
		client, capabilities)
}

// Cancel returns a notification that cancels a request. The ID is JSON.
func Cancel(id string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%s,"reason":"why not"}}`, id)
}

// Answer returns a response to a request of the server. The ID is JSON, and so is the
// member of the response: a result or an error.
func Answer(id, member string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,%s}`, id, member)
}

// Message is a line of a server's output.
type Message struct {
	ID     json.RawMessage // as it was sent
	Method string          // "" for a response
	Text   string          // the whole line
}

// Parse returns the message on a line. It has neither an ID nor a method if the line is
// not a single message.
func Parse(line string) Message {
	m := Message{Text: line}
	_ = json.Unmarshal([]byte(line), &m)
	m.Text = line
	return m
}

// IsQuestion reports whether the server asks the user.
func (m Message) IsQuestion() bool { return m.Method == "elicitation/create" }

// IDs returns the ID of each line.
func IDs(lines []string) (ids []string) {
	for _, line := range lines {
		ids = append(ids, string(Parse(line).ID))
	}
	return ids
}
