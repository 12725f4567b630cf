package raffclient

import (
	"encoding/json"
	"time"
)

// Timestamp is a moment as the API wrote it, normally in the form of RFC 3339. It
// is "" if the API sent none, which means never, and "unknown" if the API sent
// something that is no moment. It is kept as text so that an answer that carries a
// secret is never refused for a date that it carries too.
type Timestamp string

const unknownTime Timestamp = "unknown"

// Time returns t as a time.Time, and whether it is one.
func (t Timestamp) Time() (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, string(t))
	return at, err == nil
}

// UnmarshalJSON takes any JSON value. An empty string and the zero time.Time of Go
// are unknown.
func (t *Timestamp) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = ""
	}
	*t = Timestamp(text)
	if at, ok := t.Time(); text == "" || ok && at.IsZero() {
		*t = unknownTime
	}
	return nil
}
