package stdio

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// A session is the client's session for mcp-go. It is safe for concurrent use.
type session struct {
	id       string
	elicitor *elicitor
	// notifications are those that mcp-go sends. They are written before the next
	// response, because a call may have sent them: a separate goroutine could write
	// them too late.
	notifications chan mcp.JSONRPCNotification
	declaration   // by initialize

	mu          sync.Mutex
	initialized bool
	version     string // negotiated by initialize
	modern      bool   // a request declared its own version after that
}

var (
	_ server.SessionWithClientInfo      = (*session)(nil)
	_ server.SessionWithProtocolVersion = (*session)(nil)
	_ server.SessionWithElicitation     = (*session)(nil)
)

func newSession(e *elicitor) *session {
	return &session{
		elicitor:      e,
		id:            "stdio-" + rand.Text(),
		notifications: make(chan mcp.JSONRPCNotification, 100),
	}
}

// omitsNullID reports whether an error response without an id omits it, instead of having
// null.
func (s *session) omitsNullID() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modern || s.version >= mcp.ProtocolVersion20251125
}

// hasBatches reports whether the negotiated protocol revision permits batches.
func (s *session) hasBatches() bool {
	return s.ProtocolVersion() == mcp.ProtocolVersion20250326
}

// noteVersion records that a request declares its own protocol version, if it does.
func (s *session) noteVersion(version string) {
	if mcp.IsModernProtocol(version) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.modern = true
	}
}

// check returns a fault if m is not permitted in the negotiated protocol revision.
//
// The client's capabilities decide whether its user is asked before something is
// deleted or replaced. What initialize declared therefore stays valid until the
// connection ends: a second initialize is refused, and so is a request that declares a protocol
// version, and with it capabilities, for itself. The reverse order is allowed,
// because clients fall back that way: they try a request of the stateless protocol
// and then initialize. An initialize that failed may be repeated.
func (s *session) check(m codec.Message) *codec.Fault {
	negotiated := s.ProtocolVersion()
	switch {
	case negotiated == "":
		return nil
	case m.Method == string(mcp.MethodInitialize):
		return &codec.Fault{Code: mcp.INVALID_REQUEST, Text: "this connection is initialized already, and what was negotiated stays as it is. Open another connection to initialize again."}
	case mcp.IsModernProtocol(m.Version):
		return &codec.Fault{Code: mcp.INVALID_REQUEST, Text: "this connection was initialized for protocol revision " + negotiated +
			". Send requests of that revision, without a protocol version in _meta, or open another connection."}
	}
	return nil
}

// RequestElicitation is called by mcp-go for a tool that asks for the user's input.
func (s *session) RequestElicitation(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	return s.elicitor.request(ctx, r)
}

func (s *session) SessionID() string { return s.id }

func (s *session) NotificationChannel() chan<- mcp.JSONRPCNotification { return s.notifications }

func (s *session) Initialize() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.initialized = true
}

func (s *session) Initialized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.initialized
}

// SetProtocolVersion is called by initialize, also after a client has tried the stateless
// protocol.
func (s *session) SetProtocolVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.modern = version, false
}

func (s *session) ProtocolVersion() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// view returns the session for the request m.
func (s *session) view(m codec.Message) server.ClientSession {
	switch {
	case !mcp.IsModernProtocol(m.Version):
		return s
	case m.Method == string(mcp.MethodSubscriptionsListen):
		return &listenSession{statelessSession{session: s}}
	}
	return &statelessSession{session: s}
}

// A listenSession is the view of a subscription. It discards the notifications that
// mcp-go sends to it: [codec.EncodeResponse] encodes the only one, which must contain
// the client's own id.
type listenSession struct{ statelessSession }

func (s *listenSession) NotificationChannel() chan<- mcp.JSONRPCNotification {
	return make(chan mcp.JSONRPCNotification, 1)
}

// A statelessSession is the view of a request that contains a declaration of its own.
type statelessSession struct {
	*session
	declaration // hides that of session
}

var _ server.SessionWithClientInfo = (*statelessSession)(nil)

// A declaration is what a client has declared about itself.
type declaration struct {
	mu           sync.Mutex
	info         mcp.Implementation
	capabilities mcp.ClientCapabilities
}

func (d *declaration) SetClientInfo(info mcp.Implementation) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.info = info
}

func (d *declaration) GetClientInfo() mcp.Implementation {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.info
}

func (d *declaration) SetClientCapabilities(capabilities mcp.ClientCapabilities) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capabilities = capabilities
}

func (d *declaration) GetClientCapabilities() mcp.ClientCapabilities {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.capabilities
}
