package tools

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// callRecord is what the activity log says about a call, apart from its end. It is safe for
// concurrent use. The methods of a nil callRecord, of a call that is not logged, do nothing.
type callRecord struct {
	spec  spec
	start time.Time

	mu    sync.Mutex
	begun bool // something was sent that creates something
	record
}

type record = activity.Record

// callRecordKey is the context key for the callRecord.
type callRecordKey struct{}

// withRecord returns the context of a call of a tool that changes something.
func (d *deps) withRecord(ctx context.Context, s spec, arguments json.RawMessage) context.Context {
	if d.activity == nil || s.effect == reads {
		return ctx
	}
	c := &callRecord{spec: s, start: time.Now(), record: record{
		Call:         rand.Text(),
		Tool:         s.name,
		Resource:     s.resource(),
		Client:       d.clientOf(ctx),
		OwnKeyPrefix: d.client.OwnKeyPrefix(),
		API:          d.api,
		Sandbox:      d.sandbox,
	}}
	t := s.target(arguments, nil)
	c.setTarget(t)
	if slices.ContainsFunc(d.destinations, func(known Destination) bool { return known.Name == t.destination }) {
		c.Destination = t.destination
	}
	return context.WithValue(ctx, callRecordKey{}, c)
}

// setTarget sets the IDs in the arguments.
func (c *callRecord) setTarget(t target) {
	if c.ProjectID = t.projectID; c.spec.effect == creates {
		c.Replaces = t.id
	} else {
		c.ID = t.id
	}
}

// recordFrom returns the callRecord of the call that ctx belongs to, or nil.
func recordFrom(ctx context.Context) *callRecord {
	c, _ := ctx.Value(callRecordKey{}).(*callRecord)
	return c
}

// clientOf returns the client of a call as it describes itself.
func (d *deps) clientOf(ctx context.Context) activity.Client {
	var info mcp.Implementation
	if p := server.RequestProtocolInfoFromContext(ctx); p != nil && p.Modern {
		if p.ClientInfo != nil {
			info = *p.ClientInfo
		}
	} else if s, ok := server.ClientSessionFromContext(ctx).(server.SessionWithClientInfo); ok {
		info = s.GetClientInfo()
	}
	return activity.Client{Name: d.short(info.Name), Version: d.short(info.Version)}
}

// short returns external text for the activity log, truncated to the length of a name.
func (d *deps) short(text string) string {
	runes := []rune(d.client.Sanitize(text))
	return string(runes[:min(len(runes), maxName)])
}

// noteAnswer records what the person answered.
func noteAnswer(ctx context.Context, a activity.Answer) {
	if c := recordFrom(ctx); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.Answer = a
	}
}

// noteKey records which key the call is about, as it is before the call.
func (d *deps) noteKey(ctx context.Context, key raffclient.APIKey) {
	if c := recordFrom(ctx); c != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.Name, c.Prefix = d.client.Sanitize(key.Name), d.client.Sanitize(key.KeyPrefix)
	}
}

// recordBegun records that a request that creates something is about to be sent, the first
// time in a call. attrs are those of announce.
func (d *deps) recordBegun(ctx context.Context, attrs []string) {
	c := recordFrom(ctx)
	if c == nil {
		return
	}
	c.mu.Lock()
	if c.begun {
		c.mu.Unlock()
		return
	}
	c.begun = true
	for i := 0; i+1 < len(attrs); i += 2 {
		switch name, value := attrs[i], d.client.Sanitize(attrs[i+1]); {
		case value == "":
		case name == "name" || name == "email":
			c.Name = value
		case name != "id" && name != "project_id":
			c.Changes = append(c.Changes, activity.Change{Field: name, To: value})
		}
	}
	r := c.record
	c.mu.Unlock()
	r.Outcome = activity.Begun
	d.activity.Write(r)
}

// recordEnd records the end of a call.
func (d *deps) recordEnd(ctx context.Context, arguments json.RawMessage, out output, err error) {
	c := recordFrom(ctx)
	if c == nil || errors.Is(err, errAbandoned) { // revokeAbandoned records what came of the key
		return
	}
	r := c.describe(d, arguments, out, err)
	r.Outcome = c.spec.activityOutcome(err)
	d.activity.Write(r)
}

// describe adds what the arguments, the output and the error of the call say, and returns
// the record.
func (c *callRecord) describe(d *deps, arguments json.RawMessage, out output, err error) record {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.DurationMS = new(time.Since(c.start).Milliseconds())
	t := c.spec.target(arguments, err)
	c.setTarget(t)
	if out, ok := out.(changeOutput); ok {
		on := out.subject()
		if c.ID == "" || c.spec.effect == creates {
			c.ID = d.client.Sanitize(on.id)
		}
		c.Name = cmp.Or(d.client.Sanitize(on.name), c.Name)
	}
	c.Name = cmp.Or(d.client.Sanitize(t.name), c.Name)
	if out, ok := out.(interface{ keyPrefix() string }); ok {
		c.Prefix = cmp.Or(d.client.Sanitize(out.keyPrefix()), c.Prefix)
	}
	if _, wrong := errors.AsType[schema.Faults](err); !wrong {
		c.Changes = d.requested(c.spec, arguments)
	}
	if err == nil {
		c.succeeded(d, out)
	} else {
		c.failed(d, err)
	}
	return c.record
}

// succeeded adds what only a successful call has.
func (c *callRecord) succeeded(d *deps, out output) {
	if out, ok := out.(secretOutput); ok {
		c.Delivery = d.client.Sanitize(out.delivered().Delivery)
	}
	if out, ok := out.(interface{ made() ([]change, bool) }); ok {
		if list, known := out.made(); known {
			c.Changes = d.changes(list)
		}
	}
}

// failed adds the key that an error names.
func (c *callRecord) failed(d *deps, err error) {
	if u, ok := errors.AsType[*undeliveredError](err); ok {
		c.ID, c.Prefix = d.client.Sanitize(u.key.ID), d.client.Sanitize(u.key.Prefix)
	}
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok && len(lost.Found) == 1 {
		c.ID, c.Prefix = d.client.Sanitize(lost.Found[0].ID), d.client.Sanitize(lost.Found[0].Prefix)
	}
}

// recordRevoked records what came of a key that was created for a call whose result nobody
// will read.
func (d *deps) recordRevoked(c *callRecord, key delivery.Key, revokeErr error) {
	if revokeErr != nil {
		d.recordLater(c, key, activity.Unknown, "The call was cancelled or its client has gone, and the key could not be revoked. Nobody has its secret: revoke it.")
		return
	}
	d.recordLater(c, key, activity.Reverted, "The call was cancelled or its client has gone, and the key was revoked.")
}

// recordLater records what is known of a key after the end of the call.
func (d *deps) recordLater(c *callRecord, key delivery.Key, outcome activity.Outcome, note string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	r := c.record
	c.mu.Unlock()
	r.Outcome, r.Note = outcome, note
	r.ID, r.Name, r.Prefix = d.client.Sanitize(key.ID), d.client.Sanitize(key.Name), d.client.Sanitize(key.Prefix)
	r.DurationMS = new(time.Since(c.start).Milliseconds())
	d.activity.Write(r)
}

// activityOutcome returns the outcome of a call for the activity log.
func (s spec) activityOutcome(err error) activity.Outcome {
	if u, ok := errors.AsType[*undeliveredError](err); ok && !u.regenerated && u.revokeErr == nil {
		return activity.Reverted
	}
	switch outcome := s.outcome(err); outcome {
	case "declined": // the answer says by whom
		return activity.Refused
	default:
		return activity.Outcome(outcome)
	}
}

// made returns the changes as Raff's response confirms them. It returns false if they are
// unknown.
func (c changed) made() (changes []change, known bool) { return c.Changes, c.notRead == "" }

func (o keyOutput) keyPrefix() string           { return o.prefix }
func (o replaceAPIKeyOutput) keyPrefix() string { return o.created.prefix }
func (o changedKeyOutput) keyPrefix() string    { return o.key.KeyPrefix }

func (d *deps) changes(list []change) (changes []activity.Change) {
	for _, c := range list {
		changes = append(changes, activity.Change{Field: c.Field, From: d.loggable(c.From), To: d.loggable(c.To)})
	}
	return changes
}

// requested returns the properties of valid arguments, without those that identify the
// resource.
func (d *deps) requested(s spec, arguments json.RawMessage) (changes []activity.Change) {
	if s.effect == deletes || s.effect == replaces {
		return nil
	}
	var members map[string]any
	_ = json.Unmarshal(arguments, &members) // it was decoded before, or it is wrong
	for name, value := range members {
		identifies := name == "name" || name == "email" // as the name of what is created
		if name != s.idProperty() && name != "project_id" && name != deliverTo && (!identifies || s.effect != creates) && value != nil && !slices.Contains(addedByClients, name) {
			changes = append(changes, activity.Change{Field: d.short(name), To: d.loggable(value)})
		}
	}
	slices.SortFunc(changes, func(a, b activity.Change) int { return strings.Compare(a.Field, b.Field) })
	return changes
}

// maxLogged is how many elements of a list are logged.
const maxLogged = 200

// loggable returns a value of a property, with every text sanitized.
func (d *deps) loggable(value any) any {
	switch value := value.(type) {
	case nil, bool, float64:
		return value
	case string:
		return d.client.Sanitize(value)
	case []string:
		return d.loggableList(value)
	case []any:
		var list []string
		for _, v := range value {
			if text, ok := v.(string); ok {
				list = append(list, text)
			}
		}
		return d.loggableList(list)
	}
	return nil // no property has another type
}

func (d *deps) loggableList(list []string) []string {
	shown := []string{}
	for _, text := range list[:min(len(list), maxLogged)] {
		shown = append(shown, d.short(text))
	}
	if len(list) > maxLogged {
		shown = append(shown, "…")
	}
	return shown
}
