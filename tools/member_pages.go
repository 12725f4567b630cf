package tools

import (
	"cmp"
	"context"
	"fmt"
	"iter"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// memberPage reads a page of a list of members.
type memberPage struct {
	*deps
	noun     string // "members"
	where    string // "the account"
	status   string // the filter
	everyone bool   // the list is that of all members of the account
}

func (p memberPage) read(ctx context.Context, in listInput, all iter.Seq2[raffclient.Member, error]) (pageOutput[listedMember], error) {
	listed := people{byUser: map[string]raffclient.Member{}}
	o, err := list(p.noun, in, all, func(m raffclient.Member) listedMember {
		listed.add(m)
		return p.leanMember(m)
	})
	if err != nil {
		return o, err
	}
	o.none = capitalized(p.where) + " has no members."
	if p.status != "" {
		o.none = fmt.Sprintf("%s has no members with status %s.", capitalized(p.where), p.status)
	}
	p.nameInviters(ctx, &o, listed)
	nameless := 0
	for _, m := range o.Items {
		if m.nameless() {
			nameless++
		}
	}
	switch {
	case nameless == 1:
		o.note += " One of them has neither an e-mail address nor a user ID; it is " + keyOrDeleted + "."
	case nameless > 1:
		o.note += fmt.Sprintf(" %d of them have neither an e-mail address nor a user ID; each is %s.", nameless, keyOrDeleted)
	}
	return o, nil
}

// nameInviters replaces the user IDs of those who invited the members by their e-mail
// addresses. The members of the account are read only if the list lacks one of them.
func (p memberPage) nameInviters(ctx context.Context, o *pageOutput[listedMember], listed people) {
	account, read := people{}, p.everyone
	for i := range o.Items {
		by := &o.Items[i].InvitedBy
		if *by != "" && listed.email(*by) == "" && !read {
			account, read = p.readPeople(ctx), true
		}
		*by = cmp.Or(listed.email(*by), account.email(*by), *by)
	}
	if account.unknown != "" {
		o.note += fmt.Sprintf(" The e-mail addresses of some who invited them are unknown: %s.", account.unknown)
	}
}
