package raffclient

import (
	"context"
	"slices"
	"time"
)

// match is an element of a list that a lost request may have created.
type match struct {
	Candidate
	similar bool // its name may be the requested one
}

func (m match) isSimilar() bool { return m.similar }
func (m match) isRecent() bool  { return m.Recent }

// onlyUndated reports whether only its unknown age makes m a candidate: its name is not
// similar to the requested one.
func (m match) onlyUndated() bool {
	_, dated := m.CreatedAt.Time()
	return !m.similar && !dated
}

// findMatches returns the objects that n may have created since start. An empty result
// means that nothing was created: a list that may be incomplete is an error. If there is
// a recent match, findMatches omits the others.
func findMatches[T, L any](ctx context.Context, c *Client, n creation[T, L], start time.Time) ([]match, error) {
	var all []match
	complete := false // an empty list without a total proves nothing
	for p, err := range pages(ctx, c, n.list) {
		if err != nil {
			all = slices.DeleteFunc(all, c.creations.accountsFor)
			for i := range all {
				all[i].Recent = false // a call that is in flight may have created it
			}
			return all, err
		}
		complete = complete || len(p.items) > 0 || p.total != nil
		since := serverTime(start, p.date)
		for _, item := range p.items {
			m := match{}
			m.Candidate, m.similar = n.match(item)
			if m.mayBeNew(since, p.date) {
				m.Recent = m.similar && !p.date.IsZero() && m.createdAfter(since)
				all = append(all, m)
			}
		}
	}
	if !complete {
		return nil, listIncomplete("it is empty, without a total")
	}
	if len(all) == 0 {
		return nil, nil
	}
	// The list may show what other calls are creating. They have recorded it when
	// their attempts end.
	if err := c.creations.wait(ctx, !slices.ContainsFunc(all, match.isSimilar), n.name); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, c.creations.accountsFor)
	if slices.ContainsFunc(all, match.isSimilar) {
		all = slices.DeleteFunc(all, match.onlyUndated)
	}
	if slices.ContainsFunc(all, match.isRecent) {
		all = slices.DeleteFunc(all, func(m match) bool { return !m.Recent })
	}
	return all, nil
}

func candidates(all []match) (list []Candidate) {
	for _, m := range all {
		list = append(list, m.Candidate)
	}
	return list
}

const (
	// maxAgeSimilar is the age, by created_at, up to which an object with a similar
	// name may be new. A clock that shows local time is up to 14 hours off.
	maxAgeSimilar = 26 * time.Hour
	// maxAgeOther is the same for other names, which the API may have changed beyond
	// recognition. It allows for clocks that are minutes apart.
	maxAgeOther = 15 * time.Minute
	// initialUse is the maximum time from created_at to last_used_at of a key that
	// was never used.
	initialUse = 5 * time.Second
)

// mayBeNew reports whether m may have been created between since and now, by the
// server's clock; now is zero if that is unknown. A key that was used before since is
// not new, because nobody has the secret of a new one.
func (m match) mayBeNew(since, now time.Time) bool {
	created, dated := m.CreatedAt.Time()
	used, isUsed := m.LastUsedAt.Time()
	isUsed = isUsed && !(dated && used.Sub(created) < initialUse)
	switch {
	case isUsed && (used.Before(since) || !m.similar):
		return false
	case !dated:
		return true
	case m.similar:
		return created.After(since.Add(-maxAgeSimilar))
	}
	return created.After(since.Add(-maxAgeOther)) || created.After(since.Add(-maxAgeSimilar)) && sameExceptZone(created, since, now)
}

// sameExceptZone reports whether created is between since and now if it is the local
// time of some time zone. Offsets are multiples of 15 minutes.
func sameExceptZone(created, since, now time.Time) bool {
	const quarter = 15 * time.Minute
	after := (created.Sub(since)%quarter + quarter) % quarter
	return !now.IsZero() && after <= now.Sub(since)+time.Second
}

// serverTime converts a time of the local clock to the server's clock. date is the
// current time by the server's clock. The result is up to two seconds early, or an
// hour if date is unknown.
func serverTime(at, date time.Time) time.Time {
	if date.IsZero() {
		return at.Add(-time.Hour)
	}
	// Date has whole seconds, and created_at may have, too.
	return date.Add(-time.Since(at)).Add(-time.Second)
}

func (m Candidate) createdBefore(t time.Time) bool {
	at, ok := m.CreatedAt.Time()
	return ok && at.Before(t)
}

func (m Candidate) createdAfter(t time.Time) bool {
	at, ok := m.CreatedAt.Time()
	return ok && !at.Before(t)
}

func (m Candidate) usedBefore(t time.Time) bool {
	at, ok := m.LastUsedAt.Time()
	return ok && at.Before(t)
}
