package tools

import (
	"context"
	"slices"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// people are the members of the account, by whom API keys and invitations were created.
type people struct {
	byUser  map[string]raffclient.Member // by user ID
	unknown string                       // why the members are not known, as a clause; "" if they are
	partial bool                         // some member's user ID is unreadable, so a user who is not in byUser may be a member
}

// readPeople reads the members of the account. That only adds names to a result, so a
// failure is recorded, not returned.
func (d *deps) readPeople(ctx context.Context) people {
	p := people{byUser: map[string]raffclient.Member{}}
	for m, err := range d.client.Members(ctx, "") {
		if err != nil {
			return people{unknown: reason(err)}
		}
		p.partial = p.partial || slices.Contains(m.Unreadable, "user_id")
		if m.UserID != "" {
			p.byUser[m.UserID] = m
		}
	}
	return p
}

// email returns the e-mail address of a user, or "" if it is not known.
func (p people) email(userID string) string { return p.byUser[userID].Email }

// creator returns the e-mail address of the user who created something, "" if it is not
// known, and a clause about who that is.
func (d *deps) creator(ctx context.Context, userID string) (email, text string) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	p := d.readPeople(ctx)
	switch email = p.email(userID); {
	case email != "":
		return email, quoted(email)
	case p.unknown != "":
		return "", "the user with ID " + idText(userID) + " (the e-mail address is unknown: " + p.unknown + ")"
	}
	return "", "the user with ID " + idText(userID) + ", who is not a member of the account"
}
