package codec

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/mark3labs/mcp-go/mcp"
)

// EncodeResponse encodes a response of mcp-go with the client's own id. failed
// reports whether the client will see an error.
func EncodeResponse(id json.RawMessage, response mcp.JSONRPCMessage) (line []byte, failed bool, err error) {
	switch r := response.(type) {
	case mcp.JSONRPCResponse:
		if result, ok := r.Result.(mcp.SubscriptionsListenResult); ok {
			line, err = encodeSubscription(id, result)
			return line, false, err
		}
		body, err := json.Marshal(r.Result)
		return responseLine(id, "result", body), isToolError(r.Result), err
	case mcp.JSONRPCError:
		body, err := json.Marshal(r.Error)
		return responseLine(id, "error", body), true, err
	}
	return nil, true, errors.New("no response")
}

func isToolError(result any) bool {
	switch r := result.(type) {
	case *mcp.CallToolResult:
		return r.IsError
	case mcp.CallToolResult:
		return r.IsError
	}
	return false
}

// encodeSubscription encodes the whole stream of a subscription, which ends immediately:
// it acknowledges none of the requested notifications, because what they would report
// never changes.
func encodeSubscription(id json.RawMessage, result mcp.SubscriptionsListenResult) ([]byte, error) {
	acknowledged, err := EncodeNotification(mcp.MethodNotificationSubscriptionsAcknowledged, map[string]any{
		"_meta":         map[string]any{mcp.MetaKeySubscriptionID: id},
		"notifications": struct{}{},
	})
	if err != nil {
		return nil, err
	}
	result.EnsureResultMeta().SetSubscriptionID(id)
	body, err := json.Marshal(result)
	return bytes.Join([][]byte{acknowledged, responseLine(id, "result", body)}, []byte("\n")), err
}

// EncodeError encodes an error response. Without an id, the id is null, as JSON-RPC
// requires, or omitted, as revisions of MCP from 2025-11-25 on require.
func EncodeError(id json.RawMessage, f Fault, omitNullID bool) []byte {
	body, _ := json.Marshal(mcp.JSONRPCErrorDetails{Code: f.Code, Message: f.Text})
	switch {
	case id == nil && omitNullID:
		return bytes.Join([][]byte{[]byte(`{"jsonrpc":"2.0","error":`), body, []byte(`}`)}, nil)
	case id == nil:
		id = json.RawMessage("null")
	}
	return responseLine(id, "error", body)
}

// responseLine returns a response; member is "result" or "error". It copies the id as the
// client sent it, because json.Marshal would escape it differently.
func responseLine(id json.RawMessage, member string, body []byte) []byte {
	b := append([]byte(`{"jsonrpc":"2.0",`), `"id":`...)
	b = append(append(b, id...), `,"`...)
	b = append(append(b, member...), `":`...)
	return append(append(b, body...), '}')
}

// EncodeBatch encodes the responses to a batch.
func EncodeBatch(responses [][]byte) []byte {
	return append(append([]byte("["), bytes.Join(responses, []byte(","))...), ']')
}

// EncodeRequest encodes a request of the server.
func EncodeRequest(id json.RawMessage, method string, params any) ([]byte, error) {
	return json.Marshal(struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  string          `json:"method"`
		Params  any             `json:"params"`
	}{mcp.JSONRPC_VERSION, id, method, params})
}

// EncodeNotification encodes a notification; params may be nil.
func EncodeNotification(method string, params map[string]any) ([]byte, error) {
	return json.Marshal(struct {
		JSONRPC string         `json:"jsonrpc"`
		Method  string         `json:"method"`
		Params  map[string]any `json:"params,omitempty"`
	}{mcp.JSONRPC_VERSION, method, params})
}
