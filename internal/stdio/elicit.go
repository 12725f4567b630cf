package stdio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// An elicitor sends requests for the user's input to the client and matches the
// responses to them.
type elicitor struct {
	out       *output
	admission *admission

	mu      sync.Mutex
	last    int                               // number of the last request
	pending map[string]chan<- json.RawMessage // receive the results, by encoded id
	ended   chan struct{}                     // closed when no more responses will arrive
}

func newElicitor(out *output, a *admission) *elicitor {
	return &elicitor{out: out, admission: a, pending: map[string]chan<- json.RawMessage{}, ended: make(chan struct{})}
}

// request asks the user through the client, during the call that ctx belongs to. If the
// client responds with an error, or can no longer respond, the result is that of a form
// that the user closed.
func (e *elicitor) request(ctx context.Context, r mcp.ElicitationRequest) (*mcp.ElicitationResult, error) {
	c, ok := callFrom(ctx)
	if !ok {
		return nil, errors.New("elicitation: not in a call")
	}
	if !e.admission.startEliciting(c.reservation) {
		return nil, errors.New("too many questions to the user are open, so this one was not asked. Call again when others have been answered")
	}
	id, result := e.add()
	defer e.remove(id)
	line, err := codec.EncodeRequest(json.RawMessage(id), string(mcp.MethodElicitationCreate), r.Params)
	if err != nil {
		return nil, fmt.Errorf("elicitation: %w", err)
	}
	if err := c.write(line, nil); err != nil {
		e.cancelAsync(id) // the request may still be written
		return nil, err
	}
	select {
	case raw := <-result:
		return decodeElicitation(raw), nil
	case <-e.ended:
		select {
		case raw := <-result: // it arrived just before
			return decodeElicitation(raw), nil
		default:
			return decodeElicitation(nil), nil
		}
	case <-ctx.Done():
		e.cancelAsync(id)
		return nil, context.Cause(ctx)
	}
}

// add returns the id of a new request and a channel that receives its result.
func (e *elicitor) add() (id string, result <-chan json.RawMessage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	id = fmt.Sprintf(`"ask-%d"`, e.last)
	c := make(chan json.RawMessage, 1)
	e.pending[id] = c
	return id, c
}

func (e *elicitor) remove(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.pending, id)
}

// receive passes the client's response m to the request that it responds to. It returns
// false if there is none.
func (e *elicitor) receive(m codec.Message) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	result, ok := e.pending[string(m.ID)]
	if ok {
		delete(e.pending, string(m.ID))
		result <- m.Result
	}
	return ok
}

// end ends the pending requests, because no more responses will arrive.
func (e *elicitor) end() { close(e.ended) }

// cancelAsync makes the client close the form of a request, without waiting for it:
// the form must not stay open for a call that is over.
func (e *elicitor) cancelAsync(id string) {
	line, err := codec.EncodeNotification(string(mcp.MethodNotificationCancelled), map[string]any{"requestId": json.RawMessage(id)})
	if err != nil {
		return // unreachable: id is JSON
	}
	e.admission.admitted.Go(func() {
		if !e.out.lock(e.admission.closed) {
			return
		}
		defer e.out.unlock()
		_ = e.out.write(line) // the output reports the error
	})
}

// decodeElicitation decodes a result. An invalid one counts as a form that was closed.
func decodeElicitation(raw json.RawMessage) *mcp.ElicitationResult {
	var result mcp.ElicitationResult
	if json.Unmarshal(raw, &result) != nil || result.Action == "" {
		result = mcp.ElicitationResult{}
		result.Action = mcp.ElicitationResponseActionCancel
	}
	return &result
}
