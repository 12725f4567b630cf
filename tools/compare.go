package tools

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// confirmed is the part of an output that compares the request with Raff's response. A
// request can succeed without having every requested effect: Unconfirmed are the properties
// that the response does not show, NotApplied those that it shows with another value.
type confirmed struct {
	Unconfirmed []string `json:"unconfirmed,omitempty"`
	NotApplied  []string `json:"not_applied,omitempty"`
	notes       []string // a clause for each
}

// missing records that the response does not show a requested value, and returns false.
func (c *confirmed) missing(property, want string) bool {
	c.Unconfirmed = append(c.Unconfirmed, property)
	c.notes = append(c.notes, fmt.Sprintf("Raff's response does not show the requested %s%s", displayName(property), want))
	return false
}

// different records that the response shows another value than the requested one, and
// returns false.
func (c *confirmed) different(property, want, got string) bool {
	c.NotApplied = append(c.NotApplied, property)
	c.notes = append(c.notes, fmt.Sprintf("the requested %s%s was not changed or set: Raff's response shows %s", displayName(property), want, got))
	return false
}

// displayName returns the common name of a property.
func displayName(property string) string {
	switch property {
	case "expires_at":
		return "expiry"
	case "rate_limit_tier":
		return "rate limit tier"
	case "role_id":
		return "role"
	}
	return property
}

// text compares free text. The note does not quote the requested text. "" is not
// requested. It reports whether a value was requested and is confirmed, as the methods
// below do.
func (c *confirmed) text(property, want, got string) bool {
	switch {
	case want == "":
		return false
	case got == "":
		return c.missing(property, "")
	case !sameText(want, got):
		return c.different(property, "", quoteAtMost(got, maxShort))
	}
	return true
}

// optional is like text for a property that can also be set to "". nil is not requested.
func (c *confirmed) optional(property string, want *string, got string) bool {
	switch {
	case want == nil:
		return false
	case *want == "" && got != "":
		return c.different(property, ` ""`, quoteAtMost(got, maxShort))
	case *want == "":
		return true
	}
	return c.text(property, *want, got)
}

// token compares an ID, an e-mail address or an enum value. Case does not matter. "" is not requested.
func (c *confirmed) token(property, want, got string) bool {
	shown := " (" + quoteAtMost(want, maxShort) + ")"
	switch {
	case want == "":
		return false
	case got == "":
		return c.missing(property, shown)
	case !strings.EqualFold(want, got):
		return c.different(property, shown, quoteAtMost(got, maxShort))
	}
	return true
}

// flag compares a boolean. nil is not requested.
func (c *confirmed) flag(property string, want, got *bool) bool {
	switch {
	case want == nil:
		return false
	case got == nil:
		return c.missing(property, fmt.Sprintf(" (%t)", *want))
	case *want != *got:
		return c.different(property, fmt.Sprintf(" (%t)", *want), fmt.Sprint(*got))
	}
	return true
}

// time compares instants. nil is not requested.
func (c *confirmed) time(property string, want *time.Time, got raffclient.Timestamp) bool {
	if want == nil {
		return false
	}
	shown := " (" + want.Format(time.RFC3339) + ")"
	at, ok := got.Time()
	switch {
	case got == "":
		return c.missing(property, shown)
	case !ok || at.Sub(*want).Abs() >= time.Second: // the API may truncate to seconds
		return c.different(property, shown, timeText(got))
	}
	return true
}

// set compares lists whose order does not matter. nil is not requested.
func (c *confirmed) set(property string, want, got []string) bool {
	switch {
	case want == nil:
		return false
	case got == nil:
		return c.missing(property, "")
	case !slices.Equal(distinct(want), distinct(got)):
		return c.different(property, "", fmt.Sprintf("%d others", len(got)))
	}
	return true
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// maxShown is the length from which the client may have truncated a string.
const maxShown = 290

// sameText reports whether two texts are equal apart from what the client changes: it
// removes invisible characters from responses, and truncates long strings.
func sameText(want, got string) bool {
	for _, forControl := range []rune{' ', -1} {
		want, got := visibleText(want, forControl), visibleText(got, forControl)
		shown, long := strings.CutSuffix(got, "…")
		if want == got || long && utf8.RuneCountInString(shown) >= maxShown && strings.HasPrefix(want, shown) {
			return true
		}
	}
	return false
}

// visibleText returns s with single spaces and without invisible characters. Control
// characters become forControl; -1 removes them.
func visibleText(s string, forControl rune) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r):
			return forControl
		case unicode.IsSpace(r) || unicode.IsPrint(r):
			return r
		}
		return -1
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// hasDoubts reports whether anything was not confirmed.
func (c confirmed) hasDoubts() bool { return len(c.notes) > 0 }

// doubts returns what is not confirmed, as a sentence that names the tool to check it with,
// or "" if everything is.
func (c confirmed) doubts(check string) string {
	if !c.hasDoubts() {
		return ""
	}
	return " " + capitalized(strings.Join(c.notes, "; ")) + "; check with " + check + " before you report it as done."
}
