package sandbox

import (
	"net/http"
	"time"
)

// projectMemberRoutes returns the operations on members of projects. To remove a member,
// the documentation requires project.members.manage, although project.members.remove
// exists.
func projectMemberRoutes() []route {
	return []route{
		{id: "listProjectMembers", method: "GET", path: "/api/v1/projects/{id}/members", permission: "project.members.view", handle: on((*API).findProject, (*API).listProjectMembers)},
		{id: "addProjectMember", method: "POST", path: "/api/v1/projects/{id}/members", permission: "project.members.manage", status: http.StatusCreated, handle: onWithBody((*API).findProject, (*API).addProjectMember)},
		{id: "getProjectMember", method: "GET", path: "/api/v1/projects/{id}/members/{member_id}", permission: "project.members.view", handle: on((*API).findProjectMember, (*API).getMember)},
		{id: "updateProjectMember", method: "PATCH", path: "/api/v1/projects/{id}/members/{member_id}", permission: "project.members.manage", handle: onWithBody((*API).findProjectMember, (*API).updateProjectMember)},
		{id: "removeProjectMember", method: "DELETE", path: "/api/v1/projects/{id}/members/{member_id}", permission: "project.members.manage", handle: on((*API).findProjectMember, (*API).removeProjectMember)},
	}
}

// listProjectMembers returns the members of a project. The Owner, who needs no role in a
// project, is not among them.
func (a *API) listProjectMembers(c call, p *project) (any, error) { return a.listMembersOf(p.ID, c) }

// addProjectMemberRequest is the body of addProjectMember, which ignores the email.
type addProjectMemberRequest struct {
	principal
	RoleID *string `json:"role_id"`
}

func (r addProjectMemberRequest) validate(time.Time) error {
	if countSet(r.TargetUserID, r.APIKeyID) != 1 {
		return badRequest("exactly one of target_user_id and api_key_id is required")
	}
	return required("role_id", r.RoleID)
}

func (a *API) addProjectMember(c call, p *project, body addProjectMemberRequest) (any, error) {
	roleID, err := a.roleID(body.RoleID, "project")
	if err != nil {
		return nil, err
	}
	m, err := a.newMember(body.principal, roleID)
	if err != nil {
		return nil, err
	}
	if m.keyID == "" && !a.membersOf("").contains(func(o *member) bool { return o.userID == m.userID }) {
		return nil, badRequest("target_user_id: not a member of the account")
	}
	m.projectID = p.ID
	if err := a.join(m, c); err != nil {
		return nil, err
	}
	return withData(a.describeMember(m)), nil
}

func (a *API) updateProjectMember(c call, m *member, body updateMemberRequest) (any, error) {
	roleID, status, err := a.updated(m, body, "project")
	if err != nil {
		return nil, err
	}
	m.roleID, m.status, m.updatedAt = roleID, status, seconds(c.now)
	return withData(a.describeMember(m)), nil
}

// removeProjectMember removes only the role in the project.
func (a *API) removeProjectMember(_ call, m *member) (any, error) {
	a.members.remove(func(other *member) bool { return other == m })
	return withMessage("Project member removed"), nil
}

// findProjectMember returns the member whose ID is in the path.
func (a *API) findProjectMember(c call) (*member, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	return a.memberOf(p.ID, c.PathValue("member_id"))
}
