package raffclient

import (
	"encoding/json"
	"time"
)

// Timestamp is a time as the API wrote it, normally in RFC 3339 format. It is "" if
// the API sent none, which means never, and "unknown" if the API sent an empty string
// or a value that is not a string. It is text, so that an unexpected date never
// prevents a response with a secret from being decoded.
type Timestamp string

const unknownTime Timestamp = "unknown"

// Time returns t as a time.Time. ok is false if t is not in RFC 3339 format.
func (t Timestamp) Time() (at time.Time, ok bool) {
	at, err := time.Parse(time.RFC3339, string(t))
	return at, err == nil
}

// UnmarshalJSON accepts any JSON value. An empty string and the zero time of Go
// become "unknown".
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
