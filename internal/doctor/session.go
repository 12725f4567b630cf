package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// A session speaks MCP with a process, as a client without any capabilities.
type session struct {
	p      *process
	lastID int
	junk   string   // the first line that is no message of MCP
	asked  []string // methods of requests of the server that it may not send
}

// The errors of a request, besides those of the server.
var (
	errExited  = errors.New("exited")
	errTimeout = errors.New("did not respond")
)

// A responseError is the error in a response.
type responseError string

func (e responseError) Error() string { return string(e) }

// message is a message of JSON-RPC.
type message struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   json.RawMessage `json:"error,omitempty"`
}

// request sends a request, waits for its response and decodes the result into v.
func (s *session) request(ctx context.Context, limit time.Duration, method string, params, v any) error {
	s.lastID++
	id := fmt.Sprint(s.lastID)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := s.send(ctx, message{ID: json.RawMessage(id), Method: method, Params: params}); err != nil {
		return err
	}
	for {
		m, err := s.receive(ctx)
		switch {
		case err != nil:
			return err
		case m.Method != "":
			s.answer(ctx, m)
		case string(m.ID) == id && m.Error != nil:
			return responseError(errorText(m.Error))
		case string(m.ID) == id:
			if err := json.Unmarshal(m.Result, v); err != nil {
				return responseError("its result does not have the form that MCP requires")
			}
			return nil
		}
	}
}

// notify sends a notification.
func (s *session) notify(ctx context.Context, method string) error {
	return s.send(ctx, message{Method: method})
}

// send writes a message. A server that does not read its input blocks it until ctx ends.
func (s *session) send(ctx context.Context, m message) error {
	m.JSONRPC = "2.0"
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	written := make(chan struct{})
	go func() { // ends at the latest when stop closes the input
		_, _ = io.WriteString(s.p.in, string(text)+"\n") // if the server is gone, receive notices it
		close(written)
	}()
	select {
	case <-written:
		return nil
	case <-ctx.Done():
		return errTimeout
	}
}

// receive returns the next message, and remembers what is none.
func (s *session) receive(ctx context.Context) (message, error) {
	for {
		select {
		case l, ok := <-s.p.lines:
			if !ok {
				return message{}, s.ended(ctx)
			}
			var m message
			if err := json.Unmarshal([]byte(l.text), &m); err == nil && m.JSONRPC == "2.0" && (m.Method != "" || m.ID != nil) {
				return m, nil
			}
			switch {
			case s.junk != "":
			case l.tooLong:
				s.junk = fmt.Sprintf("a line of more than %d MiB", maxLine>>20)
			default:
				s.junk = clean(l.text)
			}
		case <-ctx.Done():
			return message{}, errTimeout
		}
	}
}

// ended returns the error at the end of the server's output.
func (s *session) ended(ctx context.Context) error {
	select {
	case <-s.p.exited:
		return errExited
	case <-ctx.Done():
		return errTimeout // it has closed its output, but runs
	}
}

// answer responds to a request of the server. This client offers nothing but ping.
func (s *session) answer(ctx context.Context, m message) {
	switch {
	case m.ID == nil: // a notification
	case m.Method == "ping":
		_ = s.send(ctx, message{ID: m.ID, Result: json.RawMessage("{}")})
	default:
		if method := clean(m.Method); !slices.Contains(s.asked, method) && len(s.asked) < 5 {
			s.asked = append(s.asked, method)
		}
		_ = s.send(ctx, message{ID: m.ID, Error: json.RawMessage(`{"code":-32601,"message":"this client does not support it"}`)})
	}
}

// errorText returns the message of an error object.
func errorText(raw json.RawMessage) string {
	var e struct{ Message string }
	if json.Unmarshal(raw, &e) != nil || strings.TrimSpace(e.Message) == "" {
		return "an error without a message"
	}
	return clean(e.Message)
}
