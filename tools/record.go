package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// changeOutput is the output of a tool that changes something.
type changeOutput interface {
	output
	// subject returns the resource that was changed, as far as it is known. It is also
	// called if the call failed.
	subject() subject
}

// subject is a resource, for the log.
type subject struct {
	id   string
	name string // or the e-mail address
	// role is the name of the role that a member or an invitation has now.
	role string
}

func (o keyOutput) subject() subject           { return subject{id: o.APIKey.ID, name: o.APIKey.Name} }
func (o replaceAPIKeyOutput) subject() subject { return o.created.subject() }
func (o changedKeyOutput) subject() subject    { return subject{id: o.APIKey.ID, name: o.APIKey.Name} }
func (o createdRoleOutput) subject() subject   { return subject{id: o.Role.ID, name: o.Role.Name} }
func (o changedRoleOutput) subject() subject   { return subject{id: o.Role.ID, name: o.Role.Name} }
func (o createdProjectOutput) subject() subject {
	return subject{id: o.Project.ID, name: o.Project.Name}
}
func (o changedProjectOutput) subject() subject {
	return subject{id: o.Project.ID, name: o.Project.Name}
}
func (o deletedOutput) subject() subject       { return subject{id: o.ID, name: o.Name} }
func (o removedMemberOutput) subject() subject { return subject{id: o.ID, name: o.Name} }
func (o cancelledOutput) subject() subject     { return subject{id: o.ID, name: o.Email} }
func (o addedMemberOutput) subject() subject {
	return subject{o.Member.ID, o.Member.Email, o.Member.RoleName}
}
func (o changedMemberOutput) subject() subject {
	return subject{o.Member.ID, o.Member.Email, o.Member.RoleName}
}
func (o invitationOutput) subject() subject {
	return subject{o.Invitation.ID, o.Invitation.Email, o.Invitation.RoleName}
}

// errPanicked is the error of a call whose function panicked.
var errPanicked = errors.New("the tool panicked")

// record logs the end of a call of a tool that changes something in one line, here and in
// the activity log: which
// resource, what changed and the outcome. It is the only place that does. The line
// contains names and IDs of resources, and of everything else only the names of the
// properties. out is nil if there is none.
func (d *deps) record(ctx context.Context, s spec, arguments json.RawMessage, out output, err error) {
	if s.effect == reads {
		return
	}
	d.recordEnd(ctx, arguments, out, err)
	var on subject
	if out, ok := out.(changeOutput); ok {
		on = out.subject()
	}
	in := s.target(arguments, err)
	attrs := []any{"tool", s.name, "outcome", s.outcome(err), "resource", s.resource()}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, key, d.client.Sanitize(value))
		}
	}
	if s.effect == creates { // an ID in the arguments is that of the resource to replace
		add("id", on.id)
		add("replaces", in.id)
	} else {
		add("id", cmp.Or(in.id, on.id))
	}
	add("name", cmp.Or(on.name, in.name))
	add("destination", in.destination)
	add("project_id", in.projectID)
	switch {
	case err == nil:
		add("role", on.role)
		for _, e := range effects(out, in.requested) {
			add(e[0], e[1])
		}
	case s.effect == updates:
		add("requested", in.requested)
	}
	d.log.Info("change", attrs...)
}

// effects returns what a successful call did, as names and values for the log.
func effects(out output, requested string) (list [][2]string) {
	if out, ok := out.(interface{ changedFields() (string, bool) }); ok {
		if fields, known := out.changedFields(); known {
			list = append(list, [2]string{"changed", cmp.Or(fields, "nothing")})
		} else { // a key that may change something but not read it
			list = append(list, [2]string{"requested", requested})
		}
	}
	if out, ok := out.(interface{ doubted() (string, string) }); ok {
		unconfirmed, notApplied := out.doubted()
		list = append(list, [2]string{"unconfirmed", unconfirmed}, [2]string{"not_applied", notApplied})
	}
	if out, ok := out.(secretOutput); ok {
		list = append(list, [2]string{"secret", out.delivered().Delivery})
	}
	return list
}

// changedFields returns the names of the properties that changed. It returns false if they
// are unknown.
func (c changed) changedFields() (fields string, known bool) {
	var names []string
	for _, change := range c.Changes {
		names = append(names, change.Field)
	}
	return strings.Join(names, ","), c.notRead == ""
}

// doubted returns the names of the properties that are not confirmed.
func (c confirmed) doubted() (unconfirmed, notApplied string) {
	return strings.Join(c.Unconfirmed, ","), strings.Join(c.NotApplied, ",")
}

// resource returns the kind of resource that the tool changes: "api_key".
func (s spec) resource() string {
	_, kind, _ := strings.Cut(s.name, "_")
	return kind
}

// idProperty returns the name of the property that identifies the resource in arguments.
func (s spec) idProperty() string {
	for _, kind := range []string{"api_key", "role", "project", "member", "invitation"} {
		if strings.HasSuffix(s.resource(), kind) {
			return kind + "_id"
		}
	}
	return ""
}

// target is what the arguments and the error of a call say about what it was to change.
type target struct {
	id, projectID string
	name          string
	requested     string // names of the properties to change
	destination   string // that the call chose
}

// target returns what a call was to change. Of arguments that are wrong, which may contain
// anything, it returns nothing but UUIDs.
func (s spec) target(arguments json.RawMessage, err error) (t target) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(arguments, &members) // if that fails, the arguments are wrong
	text := func(name string) (value string) {
		_ = json.Unmarshal(members[name], &value)
		return value
	}
	id := func(name string) string {
		if value := text(name); raffclient.IsUUID(value) {
			return value
		}
		return ""
	}
	t.id = id(s.idProperty())
	if s.idProperty() != "project_id" {
		t.projectID = id("project_id")
	}
	if _, wrong := errors.AsType[schema.Faults](err); wrong {
		return t
	}
	if s.effect == creates {
		t.name = cmp.Or(text("name"), text("email"))
	}
	if s.sensitive != "" {
		t.destination = text(deliverTo) // one of the names, since the arguments are valid
	}
	t.name = cmp.Or(nameIn(err), t.name)
	var requested []string
	for name := range members {
		if name != s.idProperty() && name != "project_id" && name != deliverTo && !slices.Contains(addedByClients, name) {
			requested = append(requested, name)
		}
	}
	slices.Sort(requested)
	t.requested = strings.Join(requested, ",")
	return t
}

// nameIn returns the name of the resource that an error is about, or "" if it does not say.
func nameIn(err error) string {
	if e, ok := errors.AsType[mismatch](err); ok {
		return e.name
	}
	if e, ok := errors.AsType[declined](err); ok {
		return e.name
	}
	if e, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		return e.Name
	}
	if e, ok := errors.AsType[*undeliveredError](err); ok {
		return e.key.Name
	}
	return ""
}

// outcome returns the outcome of a call:
//
//	done      Raff did it.
//	declined  The user was asked and did not agree, or the client runs without a user.
//	refused   The server or Raff refused it, and nothing was changed.
//	failed    It could not be done, or it was undone.
//	unknown   It may have been done, or was done without anybody having the new secret.
//	          The result of the call says what is known.
func (s spec) outcome(err error) string {
	if err == nil {
		return "done"
	}
	if _, ok := errors.AsType[declined](err); ok {
		return "declined"
	}
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		return failedIf(len(lost.Found) == 0 && lost.LookupErr == nil)
	}
	if u, ok := errors.AsType[*undeliveredError](err); ok {
		return failedIf(!u.regenerated && u.revokeErr == nil) // the key was revoked
	}
	for _, target := range []any{new(schema.Faults), new(mismatch), new(refusal), new(*delivery.NotReadyError)} {
		if errors.As(err, target) {
			return "refused"
		}
	}
	if failed, ok := errors.AsType[*raffclient.Error](err); ok {
		switch {
		case s.mayHaveChanged(err, failed):
			return "unknown"
		case slices.ContainsFunc(refusals, failed.Is):
			return "refused"
		}
		return "failed"
	}
	return failedIf(errors.Is(err, errAbandoned)) // the key is revoked: see deliverNew
}

// failedIf returns the outcome of a call that certainly changed nothing, or of one that may
// have.
func failedIf(nothing bool) string {
	if nothing {
		return "failed"
	}
	return "unknown"
}

// refusals are the errors with which Raff refuses a request.
var refusals = []error{
	raffclient.ErrInvalid, raffclient.ErrUnauthorized, raffclient.ErrForbidden, raffclient.ErrBilling,
	raffclient.ErrNotFound, raffclient.ErrConflict, raffclient.ErrProjectRequired,
}

// mayHaveChanged reports whether a request that failed may have changed something.
func (s spec) mayHaveChanged(err error, failed *raffclient.Error) bool {
	_, isLookup := errors.AsType[permissionError](err)
	return failed.MayHaveSucceeded() && !isLookup && (s.effect == updates || s.effect == deletes)
}

// announce logs, here and in the activity log, what is about to be created, so that there is a record even if the program
// is killed. attrs are names and values; empty values are omitted.
func (d *deps) announce(ctx context.Context, tool, what string, attrs ...string) {
	args := []any{"tool", tool}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			args = append(args, attrs[i], d.client.Sanitize(attrs[i+1]))
		}
	}
	d.log.Info(what, args...)
	d.recordBegun(ctx, attrs)
}
