package stdio

import (
	"crypto/rand"
	"encoding/json"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// A session is what mcp-go knows of the client. Its methods may be called from
// several goroutines.
type session struct {
	id string
	// notifications are those that mcp-go sends. They wait here until something is
	// answered; one goroutine that wrote them by itself could be late.
	notifications chan mcp.JSONRPCNotification

	mu           sync.Mutex
	initialized  bool
	client       mcp.Implementation
	capabilities mcp.ClientCapabilities
	version      string // negotiated by initialize
	modern       bool   // since then, requests declared their own version
	filter       mcp.SubscriptionFilter

	asked questions
}

var (
	_ server.SessionWithClientInfo         = (*session)(nil)
	_ server.SessionWithProtocolVersion    = (*session)(nil)
	_ server.SessionWithSubscriptionFilter = (*session)(nil)
	_ server.SessionWithElicitation        = (*session)(nil)
)

func newSession() *session {
	return &session{
		id:            "stdio-" + rand.Text(),
		notifications: make(chan mcp.JSONRPCNotification, 100),
		asked:         questions{waiting: map[string]chan<- json.RawMessage{}, ended: make(chan struct{})},
	}
}

// omitsID reports whether an error without an id has no id rather than null.
func (s *session) omitsID() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.modern || s.version >= mcp.ProtocolVersion20251125
}

// batches reports whether the protocol has batches: one revision did.
func (s *session) batches() bool {
	return s.ProtocolVersion() == mcp.ProtocolVersion20250326
}

// used notes the version a request declares for itself, if any.
func (s *session) used(version string) {
	if mcp.IsModernProtocol(version) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.modern = true
	}
}

// refuses returns why m cannot be served after what came before it, nil if it can.
//
// The client's capabilities decide whether its user is asked before something is
// destroyed. So what initialize declared stands until the connection ends: there is
// no second initialize, and no request that declares a protocol version, and with
// it capabilities, for itself. The other way round is how clients fall back: they
// try a request of the stateless protocol first, and then settle for initialize. An
// initialize that failed may be repeated.
func (s *session) refuses(m message) *fault {
	negotiated := s.ProtocolVersion()
	switch {
	case negotiated == "":
		return nil
	case m.method == string(mcp.MethodInitialize):
		return &fault{mcp.INVALID_REQUEST, "this connection is initialized already, and what was negotiated stays as it is. Open another connection to initialize again."}
	case mcp.IsModernProtocol(m.version):
		return &fault{mcp.INVALID_REQUEST, "this connection was initialized for protocol revision " + negotiated +
			". Send requests of that revision, without a protocol version in _meta, or open another connection."}
	}
	return nil
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

func (s *session) SetClientInfo(client mcp.Implementation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
}

func (s *session) GetClientInfo() mcp.Implementation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

func (s *session) SetClientCapabilities(capabilities mcp.ClientCapabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capabilities = capabilities
}

func (s *session) GetClientCapabilities() mcp.ClientCapabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capabilities
}

// SetProtocolVersion is called by initialize. A client that tried the stateless
// protocol before has thereby settled for this version.
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

func (s *session) SetSubscriptionFilter(filter mcp.SubscriptionFilter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filter = filter
}

// SubscriptionFilter tells mcp-go which broadcasts to send: a modern client gets
// those only that it subscribed to, an older one all.
func (s *session) SubscriptionFilter() (mcp.SubscriptionFilter, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.filter, s.modern
}

// of returns the session as m sees it.
func (s *session) of(m message) server.ClientSession {
	if mcp.IsModernProtocol(m.version) {
		return &statelessSession{session: s}
	}
	return s
}

// A statelessSession is the session as a request sees it that declares its client
// for itself alone.
type statelessSession struct {
	*session

	mu           sync.Mutex
	client       mcp.Implementation
	capabilities mcp.ClientCapabilities
}

var _ server.SessionWithClientInfo = (*statelessSession)(nil)

func (s *statelessSession) SetClientInfo(client mcp.Implementation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client = client
}

func (s *statelessSession) GetClientInfo() mcp.Implementation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.client
}

func (s *statelessSession) SetClientCapabilities(capabilities mcp.ClientCapabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capabilities = capabilities
}

func (s *statelessSession) GetClientCapabilities() mcp.ClientCapabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.capabilities
}
