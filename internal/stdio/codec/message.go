package codec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mark3labs/mcp-go/mcp"
)

// A Message is one JSON-RPC message from the client.
type Message struct {
	ID         json.RawMessage // as sent; nil if absent
	Key        string          // IDKey of the id
	Method     string
	params     json.RawMessage // an object; nil if absent
	IsResponse bool            // the message is a response to a request of the server
	Result     json.RawMessage // of a response; nil if it is an error
	Fault      *Fault          // why the message cannot be served

	Tool          string          // the name in the params of a tool call
	Version       string          // the protocol version that the message declares
	ProgressToken json.RawMessage // nil if the client does not want progress
}

// A Fault is the reason why a message is refused.
type Fault struct {
	Code int
	Text string
}

// IsNotification reports whether m must not be responded to, valid or not.
func (m Message) IsNotification() bool { return m.ID == nil && m.Method != "" }

// IsRequest reports whether m must be responded to.
func (m Message) IsRequest() bool { return !m.IsResponse && !m.IsNotification() }

// parse decodes and validates a message. mcp-go receives only what was validated, encoded
// again: of params, that is the members that mcp-go knows. Others, which the protocol may
// add later, are ignored.
func parse(raw []byte) (m Message) {
	if f := wellFormed(raw); f != nil {
		m.Fault = f
		return m
	}
	if raw[0] != '{' {
		m.Fault = &Fault{mcp.INVALID_REQUEST, "a message must be an object"}
		return m
	}
	o := readObject(raw, messageShape, "the message")
	id := bytes.Clone(o.members["id"])
	if !o.has("method") && (o.has("result") || o.has("error")) {
		m.IsResponse, m.ID, m.Result = true, id, resultOf(o)
		return m
	}
	invalid := func(code int, text string) Message {
		m.Fault = &Fault{code, text}
		return m
	}
	if id != nil && !usableID(id) {
		return invalid(mcp.INVALID_REQUEST, "id must be a string or a number")
	}
	if m.ID = id; id != nil {
		m.Key = IDKey(id)
	}
	if o.ambiguous != "" {
		return invalid(mcp.INVALID_REQUEST, o.ambiguous)
	}
	if version, _ := text(o.members["jsonrpc"]); version != mcp.JSONRPC_VERSION {
		return invalid(mcp.INVALID_REQUEST, `jsonrpc must be "2.0"`)
	}
	method, ok := text(o.members["method"])
	if !ok || method == "" {
		return invalid(mcp.INVALID_REQUEST, "method must be a string, and not empty")
	}
	m.Method = method
	switch params := o.members["params"]; {
	case params == nil, string(params) == "null":
		// Some serializers write null for absent values.
	case params[0] != '{':
		// JSON-RPC allows an array, MCP does not: the request is valid, its
		// parameters are not.
		return invalid(mcp.INVALID_PARAMS, "params must be an object")
	default:
		m.readParams(params)
	}
	return m
}

// wellFormed returns nil if raw is JSON.
func wellFormed(raw []byte) *Fault {
	switch {
	case !utf8.Valid(raw):
		return &Fault{mcp.PARSE_ERROR, "not valid UTF-8"}
	case !json.Valid(raw):
		return &Fault{mcp.PARSE_ERROR, "not valid JSON"}
	}
	return nil
}

func (m *Message) readParams(raw []byte) {
	s := paramsShapeOf(m.Method, m.IsNotification())
	params := readObject(raw, s, "params")
	if params.ambiguous != "" {
		m.Fault = &Fault{mcp.INVALID_PARAMS, params.ambiguous}
		return
	}
	m.params = params.encode(func(name string) bool {
		_, known := s.known[name]
		return known && name != subscriptionFilter ||
			m.ID == nil // the params of a notification belong to its handler
	})
	if m.Method == string(mcp.MethodToolsCall) {
		m.Tool, _ = text(params.members["name"])
	}
	raw = params.members["_meta"]
	if len(raw) == 0 || raw[0] != '{' {
		return // mcp-go reports the error
	}
	meta := readObject(raw, metaShape, "params._meta").members
	m.Version, _ = text(meta[mcp.MetaKeyProtocolVersion])
	if token := meta["progressToken"]; token != nil && usableID(token) {
		m.ProgressToken = bytes.Clone(token)
	}
}

// resultOf returns the result of a response, nil if it is an error or ambiguous.
func resultOf(response object) json.RawMessage {
	result := response.members["result"]
	switch {
	case response.ambiguous != "", response.has("error"):
		return nil
	case len(result) > 0 && result[0] == '{' && readObject(result, resultShape, "result").ambiguous != "":
		return nil
	}
	return bytes.Clone(result)
}

// CancelledID returns the id of the request that a cancellation refers to, nil if
// there is none.
func (m Message) CancelledID() json.RawMessage {
	if m.params == nil {
		return nil
	}
	params := readObject(m.params, notificationShape, "params")
	if id := params.members["requestId"]; id != nil && usableID(id) {
		return id
	}
	return nil
}

// Encode encodes m for mcp-go, with the id n in place of the client's, or without an
// id if n is 0. mcp-go would change an id beyond 2^53.
func (m Message) Encode(n int64) []byte {
	method, _ := json.Marshal(m.Method)
	line := append([]byte(`{"jsonrpc":"2.0","method":`), method...)
	if n != 0 {
		line = append(line, `,"id":`...)
		line = strconv.AppendInt(line, n, 10)
	}
	if m.params != nil {
		line = append(append(line, `,"params":`...), m.params...)
	}
	return append(line, '}')
}

// text decodes raw if it is a string.
func text(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

// usableID reports whether raw, which is JSON, is a string or a number.
func usableID(raw json.RawMessage) bool {
	return raw[0] == '"' || raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9'
}

// IDKey returns a string that is equal for ids with the same JSON value, such as 1, 1.0
// and 10e-1, but not "1". It compares the digits of numbers: as a float64,
// 9007199254740993 would equal 9007199254740992.
func IDKey(raw json.RawMessage) string {
	if s, ok := text(raw); ok {
		return "string " + s
	}
	number, negative := strings.CutPrefix(strings.ToLower(string(raw)), "-")
	number, exponent, _ := strings.Cut(number, "e")
	whole, fraction, _ := strings.Cut(number, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "number 0"
	}
	e, err := strconv.Atoi(cmp.Or(exponent, "0"))
	if err != nil {
		return "number " + string(raw) // out of range: equal only if written equally
	}
	short := strings.TrimRight(digits, "0")
	e += len(digits) - len(short) - len(fraction)
	return fmt.Sprintf("number %t %s e%d", negative, short, e)
}
