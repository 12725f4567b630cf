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
	// maxClockSkew is how much earlier than its request a key may have been created, by the
	// clock of the API.
	maxClockSkew = 5 * time.Minute
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
	found := false
	for _, k := range keys {
		if !d.isResultOf(r, at, k) {
			continue
		}
		found = true
		end := r
		end.Outcome, end.ID, end.Name, end.Prefix = activity.Unknown, d.client.Sanitize(k.ID), d.client.Sanitize(k.Name), d.client.Sanitize(k.KeyPrefix)
		end.Note = "An earlier server ended during this call. This key may be its result. Unless its secret was delivered, nobody has it: revoke the key."
		if r.Tool == "regenerate_api_key" {
			end.Note = "An earlier server ended during this call. The key has a new secret. Unless that was delivered, nobody has it: regenerate the key again."
		}
		d.log.Error("an earlier server ended while it was creating this key; unless its secret was delivered, nobody has it: revoke or regenerate it",
			"tool", r.Tool, "begun", r.Time, "id", end.ID, "name", end.Name, "prefix", end.Prefix)
		d.activity.Write(end)
	}
	if !found && time.Since(at) > settleTime {
		r.Outcome, r.Note = activity.Failed, "An earlier server ended during this call. It had no effect."
		d.activity.Write(r)
	}
}

// isResultOf reports whether a key may be the result of the call that began at that time.
func (d *deps) isResultOf(r activity.Record, at time.Time, k raffclient.APIKey) bool {
	if r.ID != "" { // regenerated
		return k.ID == r.ID && d.client.Sanitize(k.KeyPrefix) != r.Prefix
	}
	created, known := k.CreatedAt.Time()
	return strings.EqualFold(d.client.Sanitize(k.Name), r.Name) && (!known || created.After(at.Add(-maxClockSkew)))
}
