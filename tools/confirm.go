package tools

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
)

// Confirm determines when the user is asked before something is deleted or replaced.
type Confirm string

// The values of Confirm.
const (
	ConfirmAuto   Confirm = "auto"   // if the client can ask
	ConfirmAlways Confirm = "always" // refuse if the client cannot ask
	ConfirmNever  Confirm = "never"
)

// action is something that is confirmed before it is done.
type action struct {
	verb        string // "Revoke"
	resource    string // "API key"
	id          string
	name        string // the current name, or the ID if there is none
	detail      string // what distinguishes it from others of the same name, as it is shown
	consequence string // what happens, in sentences
	lookUp      string // the tool that shows the name
}

func (a action) String() string { return a.resource + " " + quoted(a.name) }

// mismatch is a confirmation that names something else. It does not reveal the name: the
// model must look at what it is about to destroy.
type mismatch struct{ action }

func (m mismatch) Error() string {
	return fmt.Sprintf("confirm_name does not match the %s with that ID. Nothing was changed. Look it up with %s, and make sure that it is the one the user means before you call again.", m.resource, m.lookUp)
}

// refusal is an error of a tool's own: what happened, and what to do. Its text is the
// result of the call as it is.
type refusal string

func (r refusal) Error() string { return string(r) }

// confirmationRequest is the error of an action that waits for the user's response. It is
// not a failure: the client calls again with the response.
type confirmationRequest struct {
	action
	state string
}

func (r confirmationRequest) Error() string { return "the user must be asked" }

// confirm returns nil if confirmName is the name of the resource and the user, if the
// client can ask, has agreed.
func (d *deps) confirm(ctx context.Context, a action, confirmName string) error {
	if confirmName != a.name {
		return mismatch{a}
	}
	if d.confirmation == ConfirmNever {
		return nil
	}
	if !canAsk(ctx) {
		if d.confirmation == ConfirmAlways {
			return refusal("Nothing was changed: this server asks the user before it destroys or replaces something (--confirm=always), and this client cannot show a form. Do it in the Raff dashboard, or use another client.")
		}
		return nil
	}
	responses, _ := ctx.Value(responsesKey{}).(mcp.MultiRoundTripParams)
	response := server.ElicitationResponse(responses.InputResponses, confirmationID)
	if response == nil || !d.approvals.redeem(responses.RequestState, a) {
		return confirmationRequest{a, d.approvals.issue(a)}
	}
	accepted := response.Action == mcp.ElicitationResponseActionAccept
	switch {
	case accepted && agreed(response.Content):
		noteAnswer(ctx, activity.Accepted)
		return nil
	case accepted:
		noteAnswer(ctx, activity.NoYes)
		return declined{a, "was returned without a yes"}
	case response.Action == mcp.ElicitationResponseActionDecline:
		noteAnswer(ctx, activity.Declined)
		return declined{a, "was declined"}
	}
	noteAnswer(ctx, activity.Cancelled)
	return declined{a, "was closed without an answer"}
}

// declined is the error of an action whose form was not confirmed. Clients that run without
// a user respond to forms on their own: "claude -p" with cancel, "codex exec" with decline.
type declined struct {
	action
	response string
}

func (d declined) Error() string {
	return fmt.Sprintf("Nothing was changed: the confirmation form for the %v %s, either by the user or by a client that runs without one. "+
		"Do not try again unless the user then asks for it in the chat; for runs without a user, the administrator can start the server with --confirm=never.", d.action, d.response)
}

const confirmationID = "confirm"

// agreed reports whether content is that of a confirmed form. A client that accepts
// without content, or with other content, may not have shown the form.
func agreed(content any) bool {
	form, _ := content.(map[string]any)
	yes, _ := form["confirm"].(bool)
	return yes && len(form) == 1
}

// result returns the result of a call that makes the client ask the user.
func (r confirmationRequest) result() *mcp.CallToolResult {
	return server.NewInputRequestBuilder(r.state).Elicit(confirmationID, mcp.ElicitationParams{
		Mode:    mcp.ElicitationModeForm,
		Message: fmt.Sprintf("%s %v (%s)? %s", r.verb, r.action, r.detail, r.consequence),
		RequestedSchema: map[string]any{
			"type": "object",
			"properties": map[string]any{"confirm": map[string]any{
				"type": "boolean", "title": "Yes, do it",
			}},
			"required": []string{"confirm"},
		},
	}).ToolResult()
}

// responsesKey is the context key for the user's responses.
type responsesKey struct{}

// canAsk reports whether the client of the call declared that it can show a form.
func canAsk(ctx context.Context) bool {
	var c mcp.ClientCapabilities
	if info := server.RequestProtocolInfoFromContext(ctx); info != nil && info.Modern {
		if info.ClientCapabilities != nil {
			c = *info.ClientCapabilities
		}
	} else if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		c = s.GetClientCapabilities()
	}
	// Until 2025-06-18 there were no modes, and {} meant forms.
	return c.Elicitation != nil && (c.Elicitation.Form != nil || c.Elicitation.URL == nil)
}

// approvals binds the user's response to the action that the form described. The client
// returns a token with the response; without approvals, it could be that of another action,
// or one that was used before. approvals is safe for concurrent use.
type approvals struct {
	mu      sync.Mutex
	pending map[string]approval // by token
}

type approval struct {
	action  action
	expires time.Time
}

// approvalLifetime is how long a token is valid.
const approvalLifetime = 10 * time.Minute

func newApprovals() *approvals { return &approvals{pending: map[string]approval{}} }

// issue returns a new token for the action.
func (p *approvals) issue(a action) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(p.pending, func(_ string, old approval) bool { return now.After(old.expires) })
	token := rand.Text()
	p.pending[token] = approval{a, now.Add(approvalLifetime)}
	return token
}

// redeem reports whether the token was issued for the action and has not been redeemed
// before.
func (p *approvals) redeem(token string, a action) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	issued, ok := p.pending[token]
	if !ok || issued.action != a {
		return false
	}
	delete(p.pending, token)
	return !time.Now().After(issued.expires)
}
