package stdio

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

// A message is one JSON-RPC message from the client.
type message struct {
	id     json.RawMessage // as sent; nil if there is none
	key    string          // what the id is compared by
	method string
	params json.RawMessage // an object; nil if there are none
	reply  bool            // a reply to a request of ours
	result json.RawMessage // of a reply; nil if that is an error
	fault  *fault          // why it cannot be served

	version string          // the protocol version it declares for itself
	token   json.RawMessage // for progress notifications; nil: none wanted
}

// A fault is the error a message is answered with.
type fault struct {
	code int
	text string
}

// notification reports whether m must not be answered, whatever is wrong with it.
func (m message) notification() bool { return m.id == nil && m.method != "" }

// request reports whether m must be answered.
func (m message) request() bool { return !m.reply && !m.notification() }

// parse reads a message. What the client gave is taken apart here and put together
// again for mcp-go, which gets only what was checked: of params, the members that it
// knows. What the protocol may add to them is ignored until mcp-go knows it.
func parse(raw []byte) (m message) {
	if f := wellFormed(raw); f != nil {
		m.fault = f
		return m
	}
	if raw[0] != '{' {
		m.fault = &fault{mcp.INVALID_REQUEST, "a message must be an object"}
		return m
	}
	o := readObject(raw, messageShape, "the message")
	id := bytes.Clone(o.members["id"])
	if !o.has("method") && (o.has("result") || o.has("error")) {
		m.reply, m.id, m.result = true, id, resultOf(o)
		return m
	}
	invalid := func(code int, text string) message {
		m.fault = &fault{code, text}
		return m
	}
	if id != nil && !usableID(id) {
		return invalid(mcp.INVALID_REQUEST, "id must be a string or a number")
	}
	if m.id = id; id != nil {
		m.key = idKey(id)
	}
	if o.ambiguous != "" {
		return invalid(mcp.INVALID_REQUEST, o.ambiguous)
	}
	if version, _ := text(o.members["jsonrpc"]); version != mcp.JSONRPC_VERSION {
		return invalid(mcp.INVALID_REQUEST, `jsonrpc must be "2.0"`)
	}
	name, ok := text(o.members["method"])
	if !ok || name == "" {
		return invalid(mcp.INVALID_REQUEST, "method must be a string, and not empty")
	}
	m.method = name
	switch params := o.members["params"]; {
	case params == nil, string(params) == "null":
		// Some serializers write null for what is absent.
	case params[0] != '{':
		// JSON-RPC allows an array, MCP does not: the request is one, its
		// parameters are wrong.
		return invalid(mcp.INVALID_PARAMS, "params must be an object")
	default:
		m.readParams(params)
	}
	return m
}

// wellFormed returns what is wrong with raw if it is not JSON.
func wellFormed(raw []byte) *fault {
	switch {
	case !utf8.Valid(raw):
		return &fault{mcp.PARSE_ERROR, "not valid UTF-8"}
	case !json.Valid(raw):
		return &fault{mcp.PARSE_ERROR, "not valid JSON"}
	}
	return nil
}

func (m *message) readParams(raw []byte) {
	s := paramsOf(*m)
	params := readObject(raw, s, "params")
	if params.ambiguous != "" {
		m.fault = &fault{mcp.INVALID_PARAMS, params.ambiguous}
		return
	}
	m.params = params.encode(func(name string) bool {
		_, known := s.known[name]
		return known || m.id == nil // a notification's are its handler's
	})
	raw = params.members["_meta"]
	if len(raw) == 0 || raw[0] != '{' {
		return // mcp-go words that
	}
	meta := readObject(raw, metaShape, "params._meta").members
	m.version, _ = text(meta[mcp.MetaKeyProtocolVersion])
	if token := meta["progressToken"]; token != nil && usableID(token) {
		m.token = bytes.Clone(token)
	}
}

// resultOf returns the result of a reply, nil if it is an error or can be read in
// more than one way.
func resultOf(reply object) json.RawMessage {
	result := reply.members["result"]
	switch {
	case reply.ambiguous != "", reply.has("error"):
		return nil
	case len(result) > 0 && result[0] == '{' && readObject(result, resultShape, "result").ambiguous != "":
		return nil
	}
	return bytes.Clone(result)
}

// requestID returns the id that a cancellation names, nil if there is none.
func (m message) requestID() json.RawMessage {
	if m.params == nil {
		return nil
	}
	params := readObject(m.params, notificationShape, "params")
	if id := params.members["requestId"]; id != nil && usableID(id) {
		return id
	}
	return nil
}

// encode writes m for mcp-go, with the id n in place of the client's; 0 stands
// for none.
func (m message) encode(n int64) []byte {
	method, _ := json.Marshal(m.method)
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

// text returns the string that raw stands for, if it does.
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

// idKey returns what two ids have in common if they are the same JSON value: 1,
// 1.0 and 10e-1, but not "1". Numbers are compared by their digits: a float64
// would take 9007199254740993 for its neighbour.
func idKey(raw json.RawMessage) string {
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
		return "number " + string(raw) // beyond all sense: the same only if written the same
	}
	short := strings.TrimRight(digits, "0")
	e += len(digits) - len(short) - len(fraction)
	return fmt.Sprintf("number %t %s e%d", negative, short, e)
}

// answer writes a response: member is result or error, body its value. The id goes
// in as it came; json.Marshal would escape it anew.
func answer(id json.RawMessage, member string, body []byte) []byte {
	b := append([]byte(`{"jsonrpc":"2.0",`), `"id":`...)
	b = append(append(b, id...), `,"`...)
	b = append(append(b, member...), `":`...)
	return append(append(b, body...), '}')
}

// errorAnswer writes an error response. What an unreadable id becomes differs:
// JSON-RPC wants null, revisions of MCP from 2025-11-25 on leave it out.
func (c *conn) errorAnswer(id json.RawMessage, f fault) []byte {
	body, _ := json.Marshal(mcp.JSONRPCErrorDetails{Code: f.code, Message: f.text})
	if id == nil && c.session.omitsID() {
		return bytes.Join([][]byte{[]byte(`{"jsonrpc":"2.0","error":`), body, []byte(`}`)}, nil)
	}
	if id == nil {
		id = json.RawMessage("null")
	}
	return answer(id, "error", body)
}
