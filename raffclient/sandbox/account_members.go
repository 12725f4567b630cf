package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"time"
)

// accountMemberRoutes returns the operations on members of the account. The documentation
// lists the permissions, but not which operation requires which; their names suggest it.
// That all three ways to add a member require the same permission is a guess.
func accountMemberRoutes() []route {
	return []route{
		{id: "listMembers", method: "GET", path: "/api/v1/members", permission: "account.members.view", handle: (*API).listMembers},
		{id: "addMember", method: "POST", path: "/api/v1/members", permission: "account.members.invite", status: http.StatusCreated, handle: withBody((*API).addMember)},
		{id: "getMember", method: "GET", path: "/api/v1/members/{id}", permission: "account.members.view", handle: on((*API).findAccountMember, (*API).getMember)},
		{id: "updateMember", method: "PATCH", path: "/api/v1/members/{id}", permission: "account.members.manage", handle: onWithBody((*API).findAccountMember, (*API).updateMember)},
		{id: "removeMember", method: "DELETE", path: "/api/v1/members/{id}", permission: "account.members.remove", handle: on((*API).findAccountMember, (*API).removeMember)},
	}
}

func (a *API) listMembers(c call) (any, error) { return a.listMembersOf("", c) }

// findAccountMember returns the member whose ID is in the path.
func (a *API) findAccountMember(c call) (*member, error) { return a.memberOf("", c.PathValue("id")) }

// addMemberRequest is the body of addMember.
type addMemberRequest struct {
	principal
	RoleID *string `json:"role_id"`
}

func (r addMemberRequest) validate(time.Time) error {
	if countSet(r.Email, r.TargetUserID, r.APIKeyID) != 1 {
		return badRequest("exactly one of email, target_user_id and api_key_id is required")
	}
	return cmp.Or(checkEmail(r.Email), required("role_id", r.RoleID))
}

func (a *API) addMember(c call, body addMemberRequest) (any, error) {
	m, err := a.newAccountMember(body, c)
	if err != nil {
		return nil, err
	}
	if err := a.joinAccount(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeMember(m)), nil
}

// newAccountMember returns the member that a request describes.
func (a *API) newAccountMember(body addMemberRequest, c call) (*member, error) {
	roleID, err := a.roleID(body.RoleID, "account")
	if err != nil {
		return nil, err
	}
	if body.Email != nil {
		return newInvitee("", *body.Email, roleID, c.now), nil
	}
	return a.newMember(body.principal, roleID)
}

// joinAccount adds a member to the account. A key must not have a role yet, and gets that
// of the member. It is documented that no key has two, but not what a request for a second
// one does; here it is refused, so that no role is replaced unnoticed.
func (a *API) joinAccount(m *member, c call) error {
	if m.keyID == "" && m.roleID == RoleID("owner") {
		return errOneOwner()
	}
	key, ok := a.key(m.keyID)
	if ok && key.RoleID != "" {
		return badRequest("API key has a role in the account already")
	}
	if err := a.join(m, c); err != nil {
		return err
	}
	if ok {
		key.RoleID = m.roleID
	}
	return nil
}

// updateMember changes the member, and with it a key that is the member. No page says what
// a change of the member does to the key. That a key gets its role by becoming a member is
// documented, so here its role is that of the member as long as it is one. A key whose role
// was given at its creation is no member, and its role never changes.
func (a *API) updateMember(c call, m *member, body updateMemberRequest) (any, error) {
	roleID, status, err := a.updated(m, body, "account")
	if err != nil {
		return nil, err
	}
	if m.keyID == "" && roleID != m.roleID && (roleID == RoleID("owner") || m.isOwner()) {
		return nil, errOneOwner()
	}
	if a.isLastManager(m) && (status != "active" || !a.managesMembers(roleID)) {
		return nil, errLastManager()
	}
	m.roleID, m.status, m.updatedAt = roleID, status, seconds(c.now)
	if key, ok := a.key(m.keyID); ok {
		key.RoleID = roleID
	}
	return withData(a.describeMember(m)), nil
}

// removeMember removes a member from the account. It removes a person from all projects
// too, because only members of the account can be in them; the keys that the person
// created stay. A key keeps its projects.
func (a *API) removeMember(_ call, m *member) (any, error) {
	if m.isOwner() {
		return nil, badRequest("the Owner cannot be removed")
	}
	if a.isLastManager(m) {
		return nil, errLastManager()
	}
	a.members.remove(func(other *member) bool {
		return other == m || m.userID != "" && other.userID == m.userID
	})
	if key, ok := a.key(m.keyID); ok {
		key.RoleID = ""
	}
	return withMessage("Member removed"), nil
}

// isOwner reports whether the member is the person who owns the account. A key with the
// role Owner is an ordinary member.
func (m *member) isOwner() bool { return m.keyID == "" && m.roleID == RoleID("owner") }

// isLastManager reports whether the member is the only person who can manage members.
// Keys do not count, which is not documented. The Owner counts, and can be suspended,
// which nothing forbids while there is another manager.
func (a *API) isLastManager(m *member) bool {
	if !a.isManager(m) {
		return false
	}
	return !a.membersOf("").contains(func(other *member) bool { return other != m && a.isManager(other) })
}

// isManager reports whether the member is a person who can manage members.
func (a *API) isManager(m *member) bool {
	return m.keyID == "" && m.status == "active" && a.managesMembers(m.roleID)
}

// managesMembers reports whether a role can manage members.
func (a *API) managesMembers(roleID string) bool {
	return slices.Contains(a.permissionsOf(roleID), "account.members.manage")
}

func errOneOwner() error {
	return badRequest("the account has one Owner, whom only support can change")
}

// errLastManager has the documented message.
func errLastManager() error {
	return badRequest("Cannot remove the last account.members.manage holder")
}
