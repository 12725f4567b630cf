package sandbox

import (
	"net/http"
	"slices"
)

// projectMemberRoutes needs for the removal what the documentation names, although
// there is a permission project.members.remove.
func projectMemberRoutes() []route {
	return []route{
		{id: "listProjectMembers", method: "GET", path: "/api/v1/projects/{id}/members", permission: "project.members.view", handle: (*API).listProjectMembers},
		{id: "addProjectMember", method: "POST", path: "/api/v1/projects/{id}/members", permission: "project.members.manage", status: http.StatusCreated, handle: (*API).addProjectMember},
		{id: "getProjectMember", method: "GET", path: "/api/v1/projects/{id}/members/{member_id}", permission: "project.members.view", handle: (*API).getProjectMember},
		{id: "updateProjectMember", method: "PATCH", path: "/api/v1/projects/{id}/members/{member_id}", permission: "project.members.manage", handle: (*API).updateProjectMember},
		{id: "removeProjectMember", method: "DELETE", path: "/api/v1/projects/{id}/members/{member_id}", permission: "project.members.manage", handle: (*API).removeProjectMember},
	}
}

// listProjectMembers does not list the Owner, who needs no role in a project.
func (a *API) listProjectMembers(c call) (any, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	return a.listMembersOf(p.ID, c)
}

func (a *API) getProjectMember(c call) (any, error) {
	m, err := a.findProjectMember(c)
	if err != nil {
		return nil, err
	}
	return withData(a.describeMember(m)), nil
}

func (a *API) addProjectMember(c call) (any, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	body, err := decode[struct {
		principal
		RoleID *string `json:"role_id"`
	}](c)
	if err != nil {
		return nil, err
	}
	if countSet(body.TargetUserID, body.APIKeyID) != 1 {
		return nil, badRequest("exactly one of target_user_id and api_key_id is required")
	}
	m, err := a.newMember(body.principal)
	if err != nil {
		return nil, err
	}
	if m.keyID == "" && !slices.ContainsFunc(a.membersOf(""), func(o *member) bool { return o.userID == m.userID }) {
		return nil, badRequest("target_user_id: not a member of the account")
	}
	m.projectID = p.ID
	if m.roleID, err = a.requiredRoleID(body.RoleID, "project"); err != nil {
		return nil, err
	}
	if err := a.join(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeMember(m)), nil
}

func (a *API) updateProjectMember(c call) (any, error) {
	m, err := a.findProjectMember(c)
	if err != nil {
		return nil, err
	}
	roleID, status, err := a.memberChange(m, "project", c)
	if err != nil {
		return nil, err
	}
	m.roleID, m.status, m.updatedAt = roleID, status, seconds(c.now)
	return withData(a.describeMember(m)), nil
}

// removeProjectMember takes the role in the project away, and nothing else.
func (a *API) removeProjectMember(c call) (any, error) {
	m, err := a.findProjectMember(c)
	if err != nil {
		return nil, err
	}
	a.removeMembers(func(other *member) bool { return other == m })
	return withMessage("Project member removed"), nil
}

// findProjectMember returns the member that the path names.
func (a *API) findProjectMember(c call) (*member, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	return a.memberOf(p.ID, c.PathValue("member_id"))
}
