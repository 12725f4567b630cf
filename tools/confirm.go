package tools

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Confirm is when the user is asked before something is destroyed or replaced.
type Confirm string

// The values of Confirm.
const (
	ConfirmAuto   Confirm = "auto"   // where the client can ask
	ConfirmAlways Confirm = "always" // and it is refused where the client cannot
	ConfirmNever  Confirm = "never"
)

// confirmInput is the part of the input of every tool that destroys or replaces.
type confirmInput struct {
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"Its current name as listed, to make sure that it is the one meant; its ID if it has no name. For a member: the e-mail address, or the ID if there is none."`
}

// A deed is something that is confirmed before it is done.
type deed struct {
	verb        string // "Revoke"
	resource    string // "API key"
	id, name    string // name is the current one, or the ID if there is none
	consequence string // what happens, as a sentence
}

func (d deed) String() string { return d.resource + " " + quoted(d.name) }

// mismatch is a confirmation that names something else.
type mismatch struct{ deed }

func (m mismatch) Error() string {
	return fmt.Sprintf("confirm_name does not match: the %s with that ID is %s. Nothing was changed; if it is the one that the user means, call again with that as confirm_name.", m.resource, quoted(m.name))
}

// refusal is a deed that was not done, with the reason and what to do.
type refusal string

func (r refusal) Error() string { return string(r) }

// question is a deed that waits for the user's answer. It is no failure: the call
// is made again with the answer.
type question struct {
	deed
	state string
}

func (q question) Error() string { return "the user has to be asked" }

// confirm returns nil if d may be done: its name was given rightly, and the user,
// if there is a way to ask, agreed.
func (e *env) confirm(ctx context.Context, d deed, given string) error {
	if given != d.name {
		return mismatch{d}
	}
	if e.confirmation == ConfirmNever {
		return nil
	}
	if !canAsk(ctx) {
		if e.confirmation == ConfirmAlways {
			return refusal("Nothing was changed: this server asks the user before it destroys or replaces something (--confirm=always), and this client cannot show a form. Ask the user to do it in the Raff dashboard, or to use another client.")
		}
		return nil
	}
	answers, _ := ctx.Value(answersKey{}).(mcp.MultiRoundTripParams)
	answer := server.ElicitationResponse(answers.InputResponses, questionID)
	if answer == nil || !e.approvals.redeem(answers.RequestState, d) {
		return question{d, e.approvals.issue(d)}
	}
	accepted := answer.Action == mcp.ElicitationResponseActionAccept
	switch {
	case accepted && agreed(answer.Content):
		return nil
	case accepted:
		return d.notAgreed("was returned without a yes")
	case answer.Action == mcp.ElicitationResponseActionDecline:
		return d.notAgreed("was declined")
	}
	return d.notAgreed("was closed without an answer")
}

// notAgreed is the refusal after a form that was not answered with yes. Clients that
// run without a user answer forms on their own: "claude -p" with cancel, "codex exec"
// with decline.
func (d deed) notAgreed(outcome string) refusal {
	return refusal(fmt.Sprintf("Nothing was changed: the confirmation form for the %v %s, either by the user or by a client that runs without one. "+
		"Do not try again unless the user then asks for it in the chat; for runs without a user, the administrator can start the server with --confirm=never.", d, outcome))
}

const questionID = "confirm"

// agreed reports whether the form was filled in with a yes. Nothing else is consent:
// a client that accepts without content, or with other content, may not have shown
// the question.
func agreed(content any) bool {
	form, _ := content.(map[string]any)
	yes, _ := form["confirm"].(bool)
	return yes && len(form) == 1
}

// ask is the result that has the client ask the user.
func (q question) ask() *mcp.CallToolResult {
	return server.NewInputRequestBuilder(q.state).Elicit(questionID, mcp.ElicitationParams{
		Mode:    mcp.ElicitationModeForm,
		Message: fmt.Sprintf("%s the %v (ID %s)? %s", q.verb, q.deed, idText(q.id), q.consequence),
		RequestedSchema: map[string]any{
			"type": "object",
			"properties": map[string]any{"confirm": map[string]any{
				"type": "boolean", "title": "Yes, do it",
			}},
			"required": []string{"confirm"},
		},
	}).ToolResult()
}

// answersKey is where a call's context holds what the user answered.
type answersKey struct{}

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

// approvals ties an answer to the question it was given to: the client keeps the
// question in between, and what it sends back could belong to another one, or to
// one that was answered already. It is safe for concurrent use.
type approvals struct {
	key []byte

	mu   sync.Mutex
	open map[string]time.Time // what was issued and not redeemed, and until when it can be
}

// answerTime is how long a question can be answered.
const answerTime = 10 * time.Minute

func newApprovals() *approvals {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &approvals{key: key, open: map[string]time.Time{}}
}

// issue returns the state of a new question about d.
func (a *approvals) issue(d deed) string {
	state := rand.Text() + "." + a.sign(d)
	a.mu.Lock()
	defer a.mu.Unlock()
	maps.DeleteFunc(a.open, func(_ string, until time.Time) bool { return time.Now().After(until) })
	a.open[state] = time.Now().Add(answerTime)
	return state
}

// redeem reports whether state belongs to a question about d that has not been
// answered before.
func (a *approvals) redeem(state string, d deed) bool {
	_, signature, _ := strings.Cut(state, ".")
	if !hmac.Equal([]byte(signature), []byte(a.sign(d))) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	until, ok := a.open[state]
	delete(a.open, state)
	return ok && !time.Now().After(until)
}

func (a *approvals) sign(d deed) string {
	mac := hmac.New(sha256.New, a.key)
	fmt.Fprintf(mac, "%q %q %q %q %q", d.verb, d.resource, d.id, d.name, d.consequence)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
