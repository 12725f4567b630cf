package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// lookTime is how long a call reads what only makes its result more complete.
const lookTime = 5 * time.Second

// people are the members of the account, by whom API keys and invitations were created.
type people struct {
	byUser  map[string]raffclient.Member // by user ID, in lower case
	unknown string                       // why the members are not known, as a clause; "" if they are
	partial bool                         // some member's user ID is unreadable, so a user who is not in byUser may be a member
}

// readPeople reads the members of the account. That only makes a result more complete, so a
// failure is recorded, not returned.
func (d *deps) readPeople(ctx context.Context) people {
	limited, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	p := people{byUser: map[string]raffclient.Member{}}
	for m, err := range d.client.Members(limited, "") {
		if err != nil {
			return people{unknown: why(limited, err)}
		}
		p.partial = p.partial || slices.Contains(m.Unreadable, "user_id")
		p.add(m)
	}
	if len(p.byUser) == 0 {
		p.unknown = "the list of members contains no user"
	}
	return p
}

func (p people) add(m raffclient.Member) {
	if m.UserID != "" {
		p.byUser[strings.ToLower(m.UserID)] = m
	}
}

// user returns the member that a user is, and false if none is known.
func (p people) user(id string) (raffclient.Member, bool) {
	m, ok := p.byUser[strings.ToLower(id)]
	return m, ok
}

// email returns the e-mail address of a user, or "" if it is not known.
func (p people) email(userID string) string {
	m, _ := p.user(userID)
	return m.Email
}

// isEmail reports whether a filter by a person is an e-mail address, not a user ID.
func isEmail(person string) bool { return strings.Contains(person, "@") }

// usersOf returns the IDs, in lower case, of the users that a filter by a person stands for.
// An e-mail address that no member has is an error: the keys of somebody who has left are
// still there, and an empty result would deny them.
func (p people) usersOf(person string) (ids []string, err error) {
	if !isEmail(person) {
		return []string{strings.ToLower(person)}, nil
	}
	const instead = "Pass the user ID instead, which list_api_keys shows as created_by for a creator who is not a member."
	if p.unknown != "" {
		return nil, refusal(fmt.Sprintf("Which user has the e-mail address %s is unknown, which takes %s: %s. %s", quoted(person), membersView.name, p.unknown, instead))
	}
	for id, m := range p.byUser {
		if strings.EqualFold(m.Email, person) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, refusal(fmt.Sprintf("No member of the account has the e-mail address %s and a user ID. Somebody who has left is not a member, but their keys are still there. %s", quoted(person), instead))
	}
	return ids, nil
}

// creator returns the e-mail address of the user who created something, "" if it is not
// known, and a clause about who that is.
func (d *deps) creator(ctx context.Context, userID string) (email, text string) {
	p := d.readPeople(ctx)
	return p.email(userID), p.creator(userID)
}

// creator returns a clause about a user who created something.
func (p people) creator(userID string) string {
	switch m, member := p.user(userID); {
	case p.unknown != "":
		return "the user with ID " + idText(userID) + " (the e-mail address is unknown: " + p.unknown + ")"
	case !member || m.Email == "":
		return "the user with ID " + idText(userID) + ", who is not a member of the account"
	case m.Status != "active":
		return quoted(m.Email) + ", whose status as a member is " + quoteAtMost(m.Status, maxShort)
	default:
		return quoted(m.Email)
	}
}
