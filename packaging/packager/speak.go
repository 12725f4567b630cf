package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// conversation is what a client sends: a handshake, a list of the tools and a call. The
// end of input follows at once, and the server must answer all of it nevertheless.
const conversation = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"packager","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list"}
{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"list_api_keys","arguments":{}}}
`

// A server is what a server said about itself.
type server struct {
	Name, Version string
	Tools         []tool
	CallFailed    bool // as it must without a key
}

// A response is the parts of the responses to conversation that matter.
type response struct {
	ID     int
	Error  json.RawMessage
	Result struct {
		ServerInfo struct{ Name, Version string }
		Tools      []tool
		Content    []any
		IsError    bool
	}
}

// speak starts a server, has the conversation with it, and expects exit code 0.
func speak(cmd *exec.Cmd) (server, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(conversation), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return server{}, fmt.Errorf("%w\n%s", err, stderr.String())
	}
	var s server
	answered := map[int]bool{}
	for line := range strings.Lines(stdout.String()) {
		var r response
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return s, fmt.Errorf("standard output: %w", err)
		}
		if r.Error != nil {
			return s, fmt.Errorf("response %d is an error: %s", r.ID, r.Error)
		}
		answered[r.ID] = true
		switch r.ID {
		case 1:
			s.Name, s.Version = r.Result.ServerInfo.Name, r.Result.ServerInfo.Version
		case 2:
			s.Tools = r.Result.Tools
		case 3:
			s.CallFailed = r.Result.IsError
		}
	}
	if !answered[1] || !answered[2] || !answered[3] || len(s.Tools) == 0 {
		return s, errors.New("not all requests were answered\n" + stderr.String())
	}
	return s, nil
}
