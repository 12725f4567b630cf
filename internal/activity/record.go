package activity

import "time"

// A Record is one line of the log: a call of a tool that changes something, or a later
// finding about one. The names of its members are stable; members may be added. A member
// without a value is omitted. Keys appear only by their prefix.
type Record struct {
	// Time is when the line was written, in UTC: "2027-01-31T09:00:00.123Z".
	Time string `json:"time"`
	// Call identifies the call. All lines with the same value are about one call, and the
	// last of them has its outcome.
	Call    string  `json:"call"`
	Outcome Outcome `json:"outcome"`
	Tool    string  `json:"tool"`

	// Resource is the kind of what was to change: "api_key", "project_member".
	Resource string `json:"resource,omitempty"`
	ID       string `json:"id,omitempty"`
	Name     string `json:"name,omitempty"`   // or the e-mail address
	Prefix   string `json:"prefix,omitempty"` // of a key
	// ProjectID is the project in which the resource is.
	ProjectID string `json:"project_id,omitempty"`
	// Replaces is the ID of the resource that the created one is to replace.
	Replaces string `json:"replaces,omitempty"`
	// Changes are the fields that changed or, unless the outcome is done, were to change.
	Changes []Change `json:"changes,omitempty"`

	// Answer is what the person answered who was asked to confirm the change; "" if
	// nobody was asked. A client that runs without a person answers on its own.
	Answer Answer `json:"answer,omitempty"`
	// Delivery is where a new secret went: "inline", "file", "keyring", "command",
	// "recovered".
	Delivery string `json:"delivery,omitempty"`
	// Destination is the name of the destination that was chosen for a new secret.
	Destination string `json:"destination,omitempty"`

	Client       Client `json:"client"`
	OwnKeyPrefix string `json:"own_key_prefix,omitempty"` // of the server's own key
	API          string `json:"api,omitempty"`            // the API's address
	Sandbox      bool   `json:"sandbox,omitempty"`        // nothing real was changed
	// DurationMS is how long the call took, in milliseconds. It is absent from a line
	// that is not about the end of a call.
	DurationMS *int64 `json:"duration_ms,omitempty"`
	// Process is the ID of the server's process.
	Process int `json:"process"`
	// Note says in a sentence what is known beyond the outcome.
	Note string `json:"note,omitempty"`
}

// A Client is the program that made a call, as it describes itself.
type Client struct {
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
}

// A Change is a field with its values. From is absent from a change that is not known to
// have happened, and from the fields of something new.
type Change struct {
	Field string `json:"field"`
	From  any    `json:"from,omitempty"`
	To    any    `json:"to,omitempty"`
}

// An Outcome says what came of a call.
type Outcome string

// The outcomes of a call.
const (
	// Begun is written before something is created. If no other line about the call
	// follows, the server ended in between, and it is unknown what came of it.
	Begun    Outcome = "begun"
	Done     Outcome = "done"     // Raff did it
	Refused  Outcome = "refused"  // by the server, by Raff or by the person; nothing was changed
	Failed   Outcome = "failed"   // it could not be done; nothing was changed
	Unknown  Outcome = "unknown"  // it may have been done, or nobody has the new secret
	Reverted Outcome = "reverted" // a key was created and, since nobody would read its secret, revoked
)

// An Answer is what a person answered who was asked to confirm a change.
type Answer string

// The answers of a person.
const (
	Accepted  Answer = "accepted"
	Declined  Answer = "declined"
	Cancelled Answer = "cancelled" // the form was closed
	NoYes     Answer = "no_yes"    // the form came back without a yes
)

// timeFormat is RFC 3339 with milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Timestamp returns t as the value of Record.Time.
func Timestamp(t time.Time) string { return t.UTC().Format(timeFormat) }

// When returns the time of a record, or false if it has none.
func (r Record) When() (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, r.Time)
	return t, err == nil
}
