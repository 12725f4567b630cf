package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// questions are the requests of ours that the client has not replied to.
type questions struct {
	mu      sync.Mutex
	number  int
	waiting map[string]chan<- json.RawMessage // by the id as it is written
	ended   chan struct{}                     // there will be no more replies
	once    sync.Once
}

// open returns the id for a question and where its reply comes.
func (q *questions) open() (id string, reply <-chan json.RawMessage) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.number++
	id = fmt.Sprintf(`"ask-%d"`, q.number)
	c := make(chan json.RawMessage, 1)
	q.waiting[id] = c
	return id, c
}

func (q *questions) close(id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.waiting, id)
}

// replied takes the client's reply to a question.
func (q *questions) replied(log *slog.Logger, m message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	reply, ok := q.waiting[string(m.id)]
	if !ok {
		log.Debug("reply to no request ignored")
		return
	}
	delete(q.waiting, string(m.id))
	reply <- m.result
}

// end tells those who wait that nothing will come.
func (q *questions) end() { q.once.Do(func() { close(q.ended) }) }

// RequestElicitation has the client ask its user during the call that ctx belongs
// to. A client that replies with an error, or can reply no more, counts as one whose
// user closed the form.
func (s *session) RequestElicitation(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("no call to ask during")
	}
	params, err := json.Marshal(r.Params)
	if err != nil {
		return nil, fmt.Errorf("elicitation: %w", err)
	}
	if !c.conn.calls.ask(c.exchange) {
		return nil, errors.New("too many questions to the user are open, so this one was not asked. Call again when others have been answered")
	}
	id, reply := s.asked.open()
	defer s.asked.close(id)
	line := fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%s,"method":%q,"params":%s}`, id, mcp.MethodElicitationCreate, params)
	// The client's form must not stay open for a call that is over.
	withdraw := func() {
		c.conn.tell(fmt.Appendf(nil, `{"jsonrpc":"2.0","method":%q,"params":{"requestId":%s}}`, mcp.MethodNotificationCancelled, id))
	}
	if err := c.conn.notify(c, line, nil); err != nil {
		withdraw() // it may be on its way all the same
		return nil, err
	}
	select {
	case text := <-reply:
		return elicited(text), nil
	case <-s.asked.ended:
		select {
		case text := <-reply: // it came just before
			return elicited(text), nil
		default:
			return elicited(nil), nil
		}
	case <-ctx.Done():
		withdraw()
		return nil, context.Cause(ctx)
	}
}

// elicited reads a reply; what is none counts as a form that was closed.
func elicited(reply json.RawMessage) *mcp.ElicitationResult {
	var result mcp.ElicitationResult
	if json.Unmarshal(reply, &result) != nil || result.Action == "" {
		result = mcp.ElicitationResult{}
		result.Action = mcp.ElicitationResponseActionCancel
	}
	return &result
}
