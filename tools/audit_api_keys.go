package tools

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

func auditAPIKeysTool() Tool {
	return define(spec{
		name:        "audit_api_keys",
		title:       "Audit API keys",
		description: "Find API keys that need attention, worst first, with the calls that fix them: powerful, expiring, never expiring, expired, inactive, unused, same name, creator suspended or gone.",
		effect:      reads,
		permission:  apiKeysView,
	}, auditAPIKeys)
}

type auditAPIKeysInput struct {
	APIKeyID          string `json:"api_key_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"Only this key."`
	CreatedBy         string `json:"created_by,omitempty" jsonschema_description:"User ID or e-mail."`
	ExpiresWithinDays int    `json:"expires_within_days,omitempty" jsonschema:"minimum=1,maximum=3650,default=30" jsonschema_description:"1 to 3650."`
	UnusedDays        int    `json:"unused_days,omitempty" jsonschema:"minimum=1,maximum=3650,default=90" jsonschema_description:"1 to 3650."`
	Limit             int    `json:"limit,omitempty" jsonschema:"minimum=1,maximum=50" jsonschema_description:"1 to 50."`
	Offset            int    `json:"offset,omitempty" jsonschema:"minimum=0" jsonschema_description:"From next_offset."`
}

const maxFindings = 50 // in a result

// maxFindingsBytes is the size of the findings in a result, as JSON. Clients cut off what is too
// long, and long names make long findings.
const maxFindingsBytes = 40_000

type auditAPIKeysOutput struct {
	summarized
	Keys       int            `json:"keys"`                  // how many keys were judged
	Counts     map[string]int `json:"counts"`                // findings of each kind, in all
	Total      int            `json:"total"`                 // findings in all
	NextOffset int            `json:"next_offset,omitempty"` // present if findings are left
	Findings   []finding      `json:"findings"`
	Unknown    []string       `json:"unknown,omitempty"` // what could not be judged, and why
	in         auditAPIKeysInput
	account    int // keys of the account
	severities map[string]int
}

func (o auditAPIKeysOutput) summary() string {
	text := fmt.Sprintf("Looked at %d API keys. ", o.Keys)
	if o.Keys < o.account {
		text = fmt.Sprintf("Looked at %d of the %d API keys. ", o.Keys, o.account)
	}
	text += o.findingsText()
	if len(o.Unknown) > 0 {
		text += " Not judged: " + strings.Join(o.Unknown[:min(len(o.Unknown), maxNotesShown)], " ")
		if more := len(o.Unknown) - maxNotesShown; more > 0 {
			text += fmt.Sprintf(" And %d more: see unknown.", more)
		}
	}
	return text
}

// maxNotesShown is the maximum number of elements of Unknown in the summary.
const maxNotesShown = 5

func (o auditAPIKeysOutput) findingsText() string {
	if o.Total == 0 {
		return "No findings."
	}
	var counts []string
	for _, s := range severities {
		if n := o.severities[s]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, s))
		}
	}
	text := fmt.Sprintf("Findings: %d (%s).", o.Total, strings.Join(counts, ", "))
	switch {
	case len(o.Findings) == 0:
		return text + fmt.Sprintf(" None is left from offset %d on.", o.in.Offset)
	case o.in.Offset == 0:
		worst := o.Findings[0]
		text += fmt.Sprintf(" The worst is %s, %s (%s): %s", worst.Kind, labeled("key", worst.Name), prefixText(worst.KeyPrefix), worst.Why)
	}
	if o.NextOffset != 0 {
		text += fmt.Sprintf(" These are %d of %d; continue with %s.", len(o.Findings), o.Total, o.in.next(o.NextOffset))
	}
	return text + " Make the calls in fix only if the user agrees."
}

// next returns the call that continues the result.
func (in auditAPIKeysInput) next(offset int) string {
	in.Offset = offset
	text, _ := json.Marshal(in) // strings and numbers always have a JSON form
	return "audit_api_keys " + string(escapeInvisible(text))
}

// audit is the state of an audit: what keys are judged against.
type audit struct {
	*deps
	now             time.Time
	expires, unused time.Duration
	names           names
	people          people
	roles           map[string]raffclient.Role // by ID; nil if unknown
	unknown         []string
	doubts          doubts
}

func auditAPIKeys(ctx context.Context, d *deps, in auditAPIKeysInput) (auditAPIKeysOutput, error) {
	a := audit{
		deps:    d,
		now:     time.Now(),
		expires: days(cmp.Or(in.ExpiresWithinDays, 30)),
		unused:  days(cmp.Or(in.UnusedDays, 90)),
	}
	var keys []raffclient.APIKey
	for k, err := range d.client.APIKeys(ctx) {
		if err != nil {
			return auditAPIKeysOutput{}, err
		}
		keys = append(keys, k)
	}
	a.names = newNames(keys) // of all keys, even if only some are judged
	a.readPeople(ctx)
	wanted, err := a.wanted(in, keys)
	if err != nil {
		return auditAPIKeysOutput{}, err
	}
	a.readRoles(ctx)
	var all []finding
	for _, k := range wanted {
		all = append(all, a.judge(k)...)
	}
	slices.SortStableFunc(all, worstFirst)
	o := auditAPIKeysOutput{Keys: len(wanted), in: in, account: len(keys), Unknown: slices.Concat(a.unknown, a.doubts.texts())}
	o.paginate(all)
	return o, nil
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// paginate counts all findings, and selects those of the requested page.
func (o *auditAPIKeysOutput) paginate(all []finding) {
	o.Total, o.Counts, o.severities = len(all), map[string]int{}, map[string]int{}
	for _, f := range all {
		o.Counts[f.Kind]++
		o.severities[f.Severity]++
	}
	left := all[min(o.in.Offset, len(all)):]
	n := fitting(left[:min(cmp.Or(o.in.Limit, maxFindings), len(left))])
	o.Findings = append([]finding{}, left[:n]...)
	if n < len(left) {
		o.NextOffset = o.in.Offset + n
	}
}

// fitting returns how many of the findings fit into a result: at least one.
func fitting(page []finding) int {
	size := 0
	for i, f := range page {
		text, _ := json.Marshal(f) // strings always have a JSON form
		size += len(escapeInvisible(text)) + len(",")
		if size > maxFindingsBytes && i > 0 {
			return i
		}
	}
	return len(page)
}

// wanted returns the keys to judge.
func (a *audit) wanted(in auditAPIKeysInput, keys []raffclient.APIKey) ([]raffclient.APIKey, error) {
	creators, err := a.people.usersOf(in.CreatedBy)
	if err != nil {
		return nil, err
	}
	keys = slices.Clone(keys)
	if in.APIKeyID != "" {
		keys = slices.DeleteFunc(keys, func(k raffclient.APIKey) bool { return !strings.EqualFold(k.ID, in.APIKeyID) })
		if len(keys) == 0 {
			return nil, refusal(fmt.Sprintf("The account has no API key with the ID %s. Check the ID with list_api_keys.", idText(in.APIKeyID)))
		}
	}
	if in.CreatedBy == "" {
		return keys, nil
	}
	return slices.DeleteFunc(keys, func(k raffclient.APIKey) bool { return !slices.Contains(creators, strings.ToLower(k.CreatedBy)) }), nil
}

// readPeople reads the members of the account. A list without an active member is not
// believed, because somebody owns the account.
func (a *audit) readPeople(ctx context.Context) {
	a.people = a.deps.readPeople(ctx)
	why, active := a.people.unknown, false
	for _, m := range a.people.byUser {
		active = active || m.Status == "active"
	}
	if why == "" && !active {
		why = "the list of members names nobody who is active"
	}
	if why != "" {
		a.unknown = append(a.unknown, "Whether the creators of keys are still members is unknown: "+why+".")
		a.people.unknown = why
	}
}

func (a *audit) readRoles(ctx context.Context) {
	roles := map[string]raffclient.Role{}
	for r, err := range a.client.Roles(ctx, "") {
		if err != nil {
			a.unknown = append(a.unknown, "What roles allow is unknown, so only Owner, Admin, Project Admin and Operator are known to be powerful: "+reason(err)+".")
			return
		}
		if !slices.Contains(r.Unreadable, "permissions") {
			roles[r.ID] = r
		}
	}
	a.roles = roles
}
