package tools

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// successorExpiry returns the expiry of a successor for which none was requested: it is valid
// for as long as the old key was in all. nil is never, as for the old key.
func successorExpiry(old raffclient.APIKey, now time.Time) (*time.Time, error) {
	if old.ExpiresAt == "" {
		return nil, nil
	}
	expires, expiryKnown := old.ExpiresAt.Time()
	created, creationKnown := old.CreatedAt.Time()
	refused := func(why string) (*time.Time, error) {
		return nil, refusal(fmt.Sprintf("Nothing was created: without expires_at the successor gets the term of the %s, and %s. Call again with expires_at.", labeled("key", old.Name), why))
	}
	switch {
	case !expiryKnown:
		return refused("Raff shows " + timeText(old.ExpiresAt) + " as its expiry")
	case !creationKnown:
		return refused("Raff does not show when it was created")
	case !created.Before(expires):
		return refused("Raff shows an expiry (" + timeText(old.ExpiresAt) + ") that is not after its creation (" + timeText(old.CreatedAt) + ")")
	}
	at := time.Unix(now.Unix()+termSeconds(created, expires), 0).UTC()
	if at.Year() > 9999 || !at.After(now) {
		return refused("that cannot be counted from now (it expires at " + timeText(old.ExpiresAt) + ")")
	}
	return &at, nil
}

// termSeconds returns the seconds between two times. A time.Duration ends at 292 years.
func termSeconds(from, to time.Time) int64 { return to.Unix() - from.Unix() }

// explainTerm returns a sentence about the expiry of a successor for which none was requested,
// as it was sent and as Raff's response shows it.
func explainTerm(sent *time.Time, now time.Time, successor raffclient.APIKey) string {
	switch {
	case sent != nil:
		return fmt.Sprintf("No expires_at was given, so Raff was asked for the term of the old key, counted from now: %s.", termText(termSeconds(now, *sent)))
	case successor.ExpiresAt == "":
		return fmt.Sprintf("The old key never expires either. A leaked secret stays valid forever, so consider an expiry: %s.",
			callText("update_api_key", "api_key_id", successor.ID, "expires_at", "…"))
	}
	return ""
}

// termText returns a number of seconds in a unit of which there are at least two.
func termText(seconds int64) string {
	const minute, hour, day = 60, 3600, 86400
	switch {
	case seconds >= 2*day:
		return counted(int((seconds+day/2)/day), "day")
	case seconds >= 2*hour:
		return counted(int((seconds+hour/2)/hour), "hour")
	case seconds >= 2*minute:
		return counted(int((seconds+minute/2)/minute), "minute")
	}
	return counted(int(seconds), "second")
}

// stampPattern matches the time that successorName added to a name.
var stampPattern = lazyregexp.New(` \(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\)$`)

const maxKeyName = 128 // characters

// successorName returns a name for the successor of a key: the old name with the time. Keys
// need not have distinct names, but those that have not are easily confused.
func successorName(old string, at time.Time) string {
	stamp := at.UTC().Format(" (2006-01-02 15:04:05)")
	name := []rune(stampPattern.Get().ReplaceAllString(old, ""))
	if most := maxKeyName - len(stamp); len(name) > most {
		name = name[:most]
	}
	return strings.TrimSpace(string(name)) + stamp
}

// stamps returns times for names, each in another second. The zero value is ready to use. It
// is safe for concurrent use.
type stamps struct {
	mu   sync.Mutex
	last time.Time
}

// next returns now, or the second after the one that it returned before.
func (s *stamps) next(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = now.Truncate(time.Second)
	if !now.After(s.last) {
		now = s.last.Add(time.Second)
	}
	s.last = now
	return now
}
