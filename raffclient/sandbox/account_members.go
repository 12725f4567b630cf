package sandbox

import (
	"net/http"
	"slices"
)

// accountMemberRoutes binds permissions to operations by their names; the
// documentation lists both, but not which needs which. That the three ways to add a
// member need the same one is a guess.
func accountMemberRoutes() []route {
	return []route{
		{id: "listMembers", method: "GET", path: "/api/v1/members", permission: "account.members.view", handle: (*API).listMembers},
		{id: "addMember", method: "POST", path: "/api/v1/members", permission: "account.members.invite", status: http.StatusCreated, handle: (*API).addMember},
		{id: "getMember", method: "GET", path: "/api/v1/members/{id}", permission: "account.members.view", handle: (*API).getMember},
		{id: "updateMember", method: "PATCH", path: "/api/v1/members/{id}", permission: "account.members.manage", handle: (*API).updateMember},
		{id: "removeMember", method: "DELETE", path: "/api/v1/members/{id}", permission: "account.members.remove", handle: (*API).removeMember},
	}
}

func (a *API) listMembers(c call) (any, error) { return a.listMembersOf("", c) }

func (a *API) getMember(c call) (any, error) {
	m, err := a.memberOf("", c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return withData(a.describeMember(m)), nil
}

func (a *API) addMember(c call) (any, error) {
	body, err := decode[struct {
		principal
		RoleID *string `json:"role_id"`
	}](c)
	if err != nil {
		return nil, err
	}
	if countSet(body.Email, body.TargetUserID, body.APIKeyID) != 1 {
		return nil, badRequest("exactly one of email, target_user_id and api_key_id is required")
	}
	m, err := a.newAccountMember(body.principal, c)
	if err != nil {
		return nil, err
	}
	if m.roleID, err = a.requiredRoleID(body.RoleID, "account"); err != nil {
		return nil, err
	}
	if err := a.joinAccount(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeMember(m)), nil
}

// newAccountMember returns a member that stands for whom a request names.
func (a *API) newAccountMember(p principal, c call) (*member, error) {
	if p.Email != nil {
		return newInvitee("", *p.Email, c)
	}
	return a.newMember(p)
}

// joinAccount makes a member of the account. A key gets its role, if it has none: it
// is documented that nobody has two.
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

func (a *API) updateMember(c call) (any, error) {
	m, err := a.memberOf("", c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	roleID, status, err := a.memberChange(m, "account", c)
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

// removeMember removes a member from the account, and a person from its projects
// too, since only members of the account can be in them. The keys that the person
// made stay. A key keeps its projects.
func (a *API) removeMember(c call) (any, error) {
	m, err := a.memberOf("", c.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if m.isOwner() {
		return nil, badRequest("the Owner cannot be removed")
	}
	if a.isLastManager(m) {
		return nil, errLastManager()
	}
	a.removeMembers(func(other *member) bool {
		return other == m || m.userID != "" && other.userID == m.userID
	})
	if key, ok := a.key(m.keyID); ok {
		key.RoleID = ""
	}
	return withMessage("Member removed"), nil
}

// isOwner reports whether the member is the one person who owns the account. Keys
// with the role are as others.
func (m *member) isOwner() bool { return m.keyID == "" && m.roleID == RoleID("owner") }

// isLastManager reports whether the member is the one person left who can manage
// members. Keys do not count, which is not documented. The Owner does, and can only
// be suspended, which nothing forbids while there is another.
func (a *API) isLastManager(m *member) bool {
	if !a.isManager(m) {
		return false
	}
	for _, other := range a.membersOf("") {
		if other != m && a.isManager(other) {
			return false
		}
	}
	return true
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

// errLastManager has the documented words.
func errLastManager() error {
	return badRequest("Cannot remove the last account.members.manage holder")
}
