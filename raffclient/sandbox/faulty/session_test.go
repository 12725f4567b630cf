package faulty_test

import (
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

type session = sandboxtest.Session[*faulty.API]

// inProcess returns a session without a socket, of a new account.
func inProcess(t *testing.T) session {
	return sandboxtest.InProcess(t, faulty.Wrap(sandbox.NewEmpty()))
}

// seeded returns a session without a socket, of an account that has been in use.
func seeded(t *testing.T) session {
	return sandboxtest.InProcess(t, faulty.Wrap(sandbox.New()))
}

// onSocket returns a session with a server, of a new account.
func onSocket(t *testing.T) session {
	return sandboxtest.OnSocket(t, faulty.Wrap(sandbox.NewEmpty()))
}

// onBoth runs a test in process and over a socket.
func onBoth(t *testing.T, test func(t *testing.T, s session)) {
	t.Run("transport", func(t *testing.T) { test(t, inProcess(t)) })
	t.Run("server", func(t *testing.T) { test(t, onSocket(t)) })
}

const unknownID = "00000000-0000-4000-8000-000000000000"
