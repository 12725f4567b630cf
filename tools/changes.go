package tools

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// change is a property that an update changed, as Raff's response confirms it. The values
// have several types, and no schema for that is one that every client accepts.
type change struct {
	Field string `json:"field"`
	From  any    `json:"from" jsonschema:"-"`
	To    any    `json:"to" jsonschema:"-"`
	text  string // the same for the summary, without the name of the field
}

// changed is the part of the output of an update that says what the update did.
type changed struct {
	Changes []change `json:"changes"` // empty if the values were the requested ones before
	confirmed
	notRead string // why the values before the change are unknown, as a clause; "" if they are known
}

// begin takes the error of reading a resource that is about to be changed. An update does
// not need the current values, so a key that may not read the resource can still change it.
func (c *changed) begin(err error, required permission) error {
	c.Changes = []change{}
	if errors.Is(err, raffclient.ErrForbidden) {
		c.notRead = reason(err)
		return nil
	}
	return withPermission(err, required)
}

func (c *changed) add(field string, from, to any, text string) {
	if c.notRead == "" {
		c.Changes = append(c.Changes, change{field, from, to, text})
	}
}

// text compares free text, and records how it changed. The same holds for the methods below.
func (c *changed) text(field, want, from, got string) {
	if c.confirmed.text(field, want, got) && from != got {
		c.add(field, from, got, fromTo(quoted(from), quoted(got)))
	}
}

func (c *changed) optional(field string, want *string, from, got string) {
	if c.confirmed.optional(field, want, got) && from != got {
		c.add(field, from, got, "") // a description may be long
	}
}

func (c *changed) token(field, want, from, got string) {
	c.named(field, want, from, got, from, got)
}

// named is token for an ID whose names are known.
func (c *changed) named(field, want, from, got, fromName, gotName string) {
	if c.confirmed.token(field, want, got) && !strings.EqualFold(from, got) {
		c.add(field, from, got, fromTo(quoteAtMost(fromName, maxName), quoteAtMost(gotName, maxName)))
	}
}

func (c *changed) flag(field string, want, from, got *bool) {
	if c.confirmed.flag(field, want, got) && (from == nil || *from != *got) {
		var was any
		shown := "unknown"
		if from != nil {
			was, shown = *from, fmt.Sprint(*from)
		}
		c.add(field, was, *got, fromTo(shown, fmt.Sprint(*got)))
	}
}

// time records never as null.
func (c *changed) time(field string, want *time.Time, from, got raffclient.Timestamp) {
	if !c.confirmed.time(field, want, got) || sameTime(from, got) {
		return
	}
	var was any
	shown := "never"
	if from != "" {
		was, shown = string(from), timeText(from)
	}
	c.add(field, was, string(got), fromTo(shown, timeText(got)))
}

func sameTime(a, b raffclient.Timestamp) bool {
	at, ok := a.Time()
	other, ok2 := b.Time()
	return a == b || ok && ok2 && at.Equal(other)
}

func (c *changed) set(field string, want, from, got []string) {
	if !c.confirmed.set(field, want, got) || slices.Equal(distinct(from), distinct(got)) {
		return
	}
	var text []string
	if added := without(got, from); len(added) > 0 {
		text = append(text, "added "+someOf(added))
	}
	if removed := without(from, got); len(removed) > 0 {
		text = append(text, "removed "+someOf(removed))
	}
	c.add(field, append([]string{}, from...), got, strings.Join(text, ", "))
}

// without returns the elements of list that are not in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(distinct(list), func(s string) bool { return slices.Contains(other, s) })
}

// someOf names the first elements of a list.
func someOf(list []string) string {
	const most = 5
	var names []string
	for _, s := range list[:min(len(list), most)] {
		names = append(names, quoteAtMost(s, maxShort))
	}
	if more := len(list) - most; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

func fromTo(from, to string) string { return "from " + from + " to " + to }

// sentences returns what became of the resource: what changed, and what is not confirmed,
// with the tool that shows the current state.
func (c *changed) sentences(resource, check string) string {
	var text string
	switch {
	case c.notRead != "" && c.hasDoubts():
		text = "Raff accepted the change of the " + resource + "."
	case c.notRead != "":
		text = "Changed the " + resource + "."
	case len(c.Changes) > 0:
		var list []string
		for _, change := range c.Changes {
			list = append(list, strings.TrimRight(displayName(change.Field)+" "+change.text, " "))
		}
		text = fmt.Sprintf("Changed the %s: %s.", resource, strings.Join(list, "; "))
	case c.hasDoubts():
		text = "Raff accepted the request, but no change of the " + resource + " is confirmed."
	default:
		text = fmt.Sprintf("Nothing changed: the %s had the requested values before.", resource)
	}
	if c.notRead != "" {
		text += " The values before the change are unknown: " + c.notRead + "."
	}
	return text + c.doubts(check)
}
