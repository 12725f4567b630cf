package tools

import (
	"context"
	"slices"
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
	list := d.unfinishedKeys().Unfinished
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
	// Other calls may have created some of these keys, also since the log was read.
	now := d.unfinishedKeys()
	for _, r := range now.Unfinished {
		if contains(list, r) && !runs(now.Running, r) { // otherwise the next start looks
			d.resolve(r, keys, now.Results)
		}
	}
}

// unfinishedKeys returns the creations in the log, of which those without an outcome are
// those of this server's key.
func (d *deps) unfinishedKeys() activity.Creations {
	c, err := d.activity.Creations(time.Now().Add(-unfinishedAge))
	if err != nil {
		d.log.Warn("the activity log could not be searched for creations without an outcome", "error", err)
	}
	c.Unfinished = slices.DeleteFunc(c.Unfinished, func(r activity.Record) bool { return !d.isOurs(r) })
	return c
}

func contains(list []activity.Record, r activity.Record) bool {
	return slices.ContainsFunc(list, func(other activity.Record) bool { return other.Call == r.Call })
}

// runs reports whether a call is running whose result could be mistaken for that of r.
func runs(running []activity.Record, r activity.Record) bool {
	return slices.ContainsFunc(running, func(other activity.Record) bool {
		return r.ID == other.ID && strings.EqualFold(r.Name, other.Name)
	})
}

// isOurs reports whether this server can look up what a record is about: a key that was
// created with the same key at the same API.
func (d *deps) isOurs(r activity.Record) bool {
	return r.Resource == "api_key" && !r.Sandbox && !d.sandbox && r.API == d.api && r.OwnKeyPrefix != "" && r.OwnKeyPrefix == d.client.OwnKeyPrefix()
}

// resolve records what became of a key. The results are those of other calls.
func (d *deps) resolve(r activity.Record, keys []raffclient.APIKey, results map[string]time.Time) {
	at, _ := r.When()
	var found []raffclient.APIKey
	noEffect := false
	if r.ID != "" {
		found, noEffect = d.regenerated(r, at, keys, results)
	} else {
		found, noEffect = d.created(r, at, keys, results)
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
	d.log.Error("an earlier server ended during a call, and this key may be its result; unless its secret was delivered, nobody has it: "+todo+" it",
		"tool", r.Tool, "begun", r.Time, "id", d.client.Sanitize(k.ID), "name", d.client.Sanitize(k.Name), "prefix", d.client.Sanitize(k.KeyPrefix))
	r.Outcome, r.ID, r.Name, r.Prefix = activity.Unknown, d.client.Sanitize(k.ID), d.client.Sanitize(k.Name), d.client.Sanitize(k.KeyPrefix)
	r.Note = "An earlier server ended during this call, and this key may be its result. Unless its secret was delivered, nobody has it: " + todo + " it."
	d.activity.Write(r)
}

// created returns the keys that a creation may have made: those that have its name and were
// created at about that time, unless another call made them or somebody uses them. Without
// any, it reports whether no key is as recent, under whatever name, because Raff may change
// names.
func (d *deps) created(r activity.Record, at time.Time, keys []raffclient.APIKey, results map[string]time.Time) (found []raffclient.APIKey, noEffect bool) {
	noEffect = true
	for _, k := range keys {
		created, known := k.CreatedAt.Time()
		inTime := !known || created.After(at.Add(-clockSkew)) && created.Before(at.Add(maxClockSkew))
		if strings.EqualFold(d.client.Sanitize(k.Name), r.Name) && inTime && results[k.ID].IsZero() && k.LastUsedAt == "" {
			found = append(found, k)
		}
		noEffect = noEffect && known && created.Before(at.Add(-maxClockSkew))
	}
	return found, noEffect
}

// regenerated returns the key of a regeneration if it has a new secret that is not the result
// of a later call. Otherwise it reports whether it certainly has the old one.
func (d *deps) regenerated(r activity.Record, at time.Time, keys []raffclient.APIKey, results map[string]time.Time) (found []raffclient.APIKey, noEffect bool) {
	for _, k := range keys {
		prefix := d.client.Sanitize(k.KeyPrefix)
		switch {
		case k.ID != r.ID:
		case prefix == "" || r.Prefix == "" || results[k.ID].After(at):
			return nil, false
		case prefix != r.Prefix:
			return []raffclient.APIKey{k}, false
		default:
			return nil, true
		}
	}
	return nil, false
}
