package tools

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

var severities = []string{"high", "medium", "low"}

// lower returns the next lower severity.
func lower(severity string) string {
	return severities[min(slices.Index(severities, severity)+1, len(severities)-1)]
}

// worstFirst orders findings by risk. Name and ID come last: with them the order is the same in
// every call, so that pages fit together.
func worstFirst(x, y finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(severities, x.Severity), slices.Index(severities, y.Severity)),
		cmp.Compare(y.key.power, x.key.power),
		cmp.Compare(y.key.use, x.key.use),
		cmp.Compare(y.key.exposure(), x.key.exposure()),
		x.key.expiry().Compare(y.key.expiry()),
		cmp.Compare(x.Name, y.Name),
		cmp.Compare(x.ID, y.ID),
	)
}

// power is what a key could do, the greatest last.
type power int

const (
	powerRead power = iota
	powerChange
	powerProjectAdministrator // can manage the members of a project
	powerAdministrator        // can obtain every permission
	powerOwner
)

// administering are the permissions with which a key could give itself, or others,
// every other.
var administering = []string{
	apiKeysCreate.name, apiKeysManage.name, membersInvite.name, membersManage.name,
	rolesCreate.name, rolesManage.name,
}

// systemRoles are the powerful system roles by their slugs, with the permissions that make
// them powerful, in case the roles cannot be read.
var systemRoles = map[string][]string{
	"admin":         administering,
	"project-admin": {projectMembersManage.name},
	"operator":      {projectMembersManage.name},
}

// readPower determines the power of a key.
func (k *judgedKey) readPower() {
	for _, field := range []string{"role_id", "role_slug", "role_name", "project_accesses"} {
		if slices.Contains(k.Unreadable, field) {
			k.doubts.add("What the key may do is not fully known for %s: part of Raff's response is unreadable.", k.APIKey)
			k.power = powerChange
		}
	}
	for _, p := range k.consider(k.RoleID, k.RoleSlug, k.RoleName) {
		if slices.Contains(administering, p) {
			k.administers = append(k.administers, p)
		}
	}
	for _, access := range k.ProjectAccesses {
		if slices.Contains(k.consider(access.RoleID, access.RoleSlug, access.RoleName), projectMembersManage.name) {
			k.managesMembers = append(k.managesMembers, access)
		}
	}
	switch {
	case k.RoleSlug == "owner" || strings.EqualFold(k.RoleName, "Owner"):
		k.power = powerOwner
	case len(k.administers) > 0:
		k.power = powerAdministrator
	case len(k.managesMembers) > 0:
		k.power = powerProjectAdministrator
	}
}

// consider takes a role of the key into account, and returns its permissions as far as they are
// known. A role that is not known counts as one that can change something.
func (k *judgedKey) consider(id, slug, name string) []string {
	if id == "" && slug == "" && name == "" {
		return nil
	}
	role, known := k.roles[id]
	if !known {
		role.Permissions, known = systemRoles[slug]
	}
	if !known && k.roles != nil && slug != "owner" {
		k.doubts.add("What the role of some keys allows is unknown, because it is not among the roles listed: %s.", k.APIKey)
	}
	if !known || slices.ContainsFunc(role.Permissions, func(p string) bool { return !strings.HasSuffix(p, ".view") }) {
		k.power = powerChange
	}
	return role.Permissions
}

// use says whether a key is in use.
type use int

const (
	notInUse use = iota // it does not work, or was not used for long
	useUnknown
	inUse
)

// settling is how long a key need not have been used: it may not have been deployed yet.
const settling = 7 * 24 * time.Hour

// isNew reports whether a key is so new that it need not have been used.
func isNew(k raffclient.APIKey, now time.Time) bool {
	created, ok := k.CreatedAt.Time()
	return ok && now.Sub(created) < settling
}

func (a *audit) useOf(k raffclient.APIKey) use {
	if !isUsable(k) {
		return notInUse
	}
	if k.LastUsedAt == "" {
		return a.useOfUnused(k)
	}
	used, ok := k.LastUsedAt.Time()
	switch {
	case !ok:
		a.doubts.add("When the key was last used is unknown for %s: Raff's response contains no date.", k)
		return useUnknown
	case used.Before(a.now.Add(-a.unused)):
		return notInUse
	}
	return inUse
}

// useOfUnused returns the use of a key that was never used.
func (a *audit) useOfUnused(k raffclient.APIKey) use {
	if _, ok := k.CreatedAt.Time(); !ok {
		a.doubts.add("When the key was created is unknown for %s, so it is not judged as never used.", k)
		return useUnknown
	}
	if isNew(k, a.now) {
		return useUnknown
	}
	return notInUse
}

// creator is what became of the person who created a key, the greatest risk last.
type creator int

const (
	creatorPresent creator = iota // or unknown
	creatorSuspended
	creatorGone
)

func (a *audit) creatorOf(k raffclient.APIKey) creator {
	member, found := a.people.user(k.CreatedBy)
	switch {
	case a.people.unknown != "":
		return creatorPresent
	case k.CreatedBy == "":
		a.doubts.add("Who created the key is unknown for %s.", k)
		return creatorPresent
	case !found && a.people.partial:
		a.doubts.add("Whether the creator is still a member is unknown for %s: Raff's list of members contains an unreadable user ID.", k)
		return creatorPresent
	case !found:
		return creatorGone
	case member.Status == "suspended":
		return creatorSuspended
	case member.Status != "active":
		a.doubts.add("Whether the creator is still a member is unknown for %s: Raff shows neither the status active nor suspended.", k)
	}
	return creatorPresent
}

// exposure says how easily the key could be misused without anyone noticing.
func (k *judgedKey) exposure() int {
	exposure := 2 * int(k.creator)
	if k.ExpiresAt == "" {
		exposure++
	}
	return exposure
}

// expiry returns when the key expires, for the order: far in the future if never, or unknown.
func (k *judgedKey) expiry() time.Time {
	if expires, ok := k.ExpiresAt.Time(); ok {
		return expires
	}
	return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
}
