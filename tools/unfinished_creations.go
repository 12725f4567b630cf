package tools

import (
	"context"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const (
	// unfinishedAge is the age up to which creations are looked up whose server ended.
	unfinishedAge = 7 * 24 * time.Hour
	// settleTime is how long a request may take effect after its server has ended. Before
	// that, a key that is not there proves nothing.
	settleTime = 2 * time.Minute
	// clockSkew is how much earlier than its request a key is created, by a clock of the API
	// that is a little slow.
	clockSkew = 5 * time.Minute
	// maxClockSkew is the same for a clock that may be in another time zone.
	maxClockSkew = 26 * time.Hour
)

// lookUpUnfinished looks up the keys that an earlier server was creating when it ended, and
// names those that exist in both logs. It runs in the background.
func (d *deps) lookUpUnfinished(ctx context.Context) {
	all, err := d.activity.Unfinished(time.Now().Add(-unfinishedAge))
	if err != nil {
		d.log.Warn("the activity log could not be searched for creations without an outcome", "error", err)
	}
	var list []activity.Record
	for _, r := range all {
		if d.isOurs(r) {
			list = append(list, r)
		}
	}
	if len(list) == 0 {
		return
	}
	var keys []raffclient.APIKey
	for k, err := range d.client.APIKeys(ctx) {
		if err != nil {
			d.log.Warn("an earlier server ended while it was creating keys, and they could not be looked up; the next start tries again", "keys", len(list), "error", err)
			return
		}
		keys = append(keys, k)
	}
	for _, r := range list {
		d.resolve(r, keys)
	}
}

// isOurs reports whether this server can look up what a record is about: a key that was
// created with the same key at the same API.
func (d *deps) isOurs(r activity.Record) bool {
	return r.Resource == "api_key" && !r.Sandbox && !d.sandbox && r.API == d.api && r.OwnKeyPrefix != "" && r.OwnKeyPrefix == d.client.OwnKeyPrefix()
}

// resolve records what became of a key.
func (d *deps) resolve(r activity.Record, keys []raffclient.APIKey) {
	at, _ := r.When()
	var found []raffclient.APIKey
	noEffect := false
	if r.ID != "" {
		found, noEffect = d.regenerated(r, keys)
	} else {
		found, noEffect = d.created(r, at, keys)
	}
	for _, k := range found {
		d.nameUnfinished(r, k)
	}
	switch {
	case len(found) > 0 || time.Since(at) < settleTime: // the next start looks again
		return
	case noEffect:
		r.Outcome, r.Note = activity.Failed, "An earlier server ended during this call. It had no effect."
	default:
		r.Outcome, r.Note = activity.Unknown, "An earlier server ended during this call, and which key is its result could not be found out."
	}
	d.activity.Write(r)
}

// nameUnfinished names a key that may be the result of a call in both logs.
func (d *deps) nameUnfinished(r activity.Record, k raffclient.APIKey) {
	todo := "revoke"
	if r.ID != "" {
		todo = "regenerate"
	}
	d.log.Error("an earlier server ended while it was creating this key; unless its secret was delivered, nobody has it: "+todo+" it",
		"tool", r.Tool, "begun", r.Time, "id", d.client.Sanitize(k.ID), "name", d.client.Sanitize(k.Name), "prefix", d.client.Sanitize(k.KeyPrefix))
	r.Outcome, r.ID, r.Name, r.Prefix = activity.Unknown, d.client.Sanitize(k.ID), d.client.Sanitize(k.Name), d.client.Sanitize(k.KeyPrefix)
	r.Note = "An earlier server ended during this call, and this key may be its result. Unless its secret was delivered, nobody has it: " + todo + " it."
	d.activity.Write(r)
}

// created returns the keys that a creation may have made: those that have its name and are
// as recent. Without any, it reports whether no key is, under whatever name, because Raff
// may change names.
func (d *deps) created(r activity.Record, at time.Time, keys []raffclient.APIKey) (found []raffclient.APIKey, noEffect bool) {
	noEffect = true
	for _, k := range keys {
		created, known := k.CreatedAt.Time()
		if strings.EqualFold(d.client.Sanitize(k.Name), r.Name) && (!known || created.After(at.Add(-clockSkew))) {
			found = append(found, k)
		}
		noEffect = noEffect && known && created.Before(at.Add(-maxClockSkew))
	}
	return found, noEffect
}

// regenerated returns the key of a regeneration if it has a new secret. Otherwise it
// reports whether it certainly has the old one.
func (d *deps) regenerated(r activity.Record, keys []raffclient.APIKey) (found []raffclient.APIKey, noEffect bool) {
	for _, k := range keys {
		prefix := d.client.Sanitize(k.KeyPrefix)
		switch {
		case k.ID != r.ID:
		case prefix == "" || r.Prefix == "":
			return nil, false
		case prefix != r.Prefix:
			return []raffclient.APIKey{k}, false
		default:
			return nil, true
		}
	}
	return nil, false
}
