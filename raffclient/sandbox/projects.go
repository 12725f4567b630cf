package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

func projectRoutes() []route {
	return []route{
		{id: "listProjects", method: "GET", path: "/api/v1/projects", permission: "account.projects.view", orGrant: true, handle: (*API).listProjects},
		{id: "createProject", method: "POST", path: "/api/v1/projects", permission: "account.projects.create", status: http.StatusCreated, handle: (*API).createProject},
		{id: "getProject", method: "GET", path: "/api/v1/projects/{id}", permission: "account.projects.view", orGrant: true, handle: (*API).getProject},
		{id: "updateProject", method: "PUT", path: "/api/v1/projects/{id}", permission: "account.projects.manage", handle: (*API).updateProject},
		{id: "deleteProject", method: "DELETE", path: "/api/v1/projects/{id}", permission: "account.projects.delete", handle: (*API).deleteProject},
	}
}

// project is a project as the API keeps it.
type project struct {
	publicProject
	resources int // machines and the like, which the sandbox counts and no more
}

// publicProject is what the API shows of a project.
type publicProject struct {
	ID            string    `json:"id"`
	AccountID     string    `json:"account_id"`
	Name          string    `json:"name"`
	Slug          string    `json:"slug"`
	Description   string    `json:"description,omitempty"`
	DefaultRegion string    `json:"default_region"`
	IsDefault     bool      `json:"is_default"`
	IsActive      bool      `json:"is_active"`
	CreatedBy     string    `json:"created_by,omitempty"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// Project is what Projects tells of a project. One that has resources cannot be
// deleted.
type Project struct {
	ID, Name, Slug string
	Default        bool
	Resources      int
}

// Projects returns all projects, the oldest first.
func (a *API) Projects() []Project {
	a.mu.Lock()
	defer a.mu.Unlock()
	projects := make([]Project, 0, len(a.projects))
	for _, p := range a.projects {
		projects = append(projects, Project{p.ID, p.Name, p.Slug, p.IsDefault, p.resources})
	}
	return projects
}

func (a *API) listProjects(c call) (any, error) {
	var seen []publicProject
	for _, p := range a.projects {
		if a.canSee(c.key, p) {
			seen = append(seen, p.publicProject)
		}
	}
	projects, err := page(c, seen, 20)
	if err != nil {
		return nil, err
	}
	return withTotal(projects, len(seen)), nil
}

func (a *API) getProject(c call) (any, error) {
	p, err := a.visibleProject(c)
	if err != nil {
		return nil, err
	}
	return withData(p.publicProject), nil
}

// createProject makes a project, in which its maker gets no role: none is
// documented.
func (a *API) createProject(c call) (any, error) {
	body, err := decode[projectSettings](c)
	if err != nil {
		return nil, err
	}
	if body.Name == nil {
		return nil, badRequest("name is required")
	}
	p := &project{publicProject: publicProject{
		ID:            uuid.NewString(),
		AccountID:     AccountID,
		DefaultRegion: "us-east",
		IsActive:      true,
		CreatedBy:     c.key.CreatedBy,
		CreatedAt:     seconds(c.now),
	}}
	if err := a.checkProject(p, body); err != nil {
		return nil, err
	}
	p.Slug = a.newSlug(*body.Name)
	body.apply(p, c.now)
	a.projects = append(a.projects, p)
	return withData(p.publicProject), nil
}

// updateProject changes what is sent. Every field is documented as optional, and
// nothing says that one is needed.
func (a *API) updateProject(c call) (any, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	body, err := decode[projectSettings](c)
	if err != nil {
		return nil, err
	}
	if err := a.checkProject(p, body); err != nil {
		return nil, err
	}
	body.apply(p, c.now)
	return withData(p.publicProject), nil
}

// deleteProject makes an end of a project and of all roles in it. With which status
// it refuses is not documented; 409 is what the API uses for such conflicts
// elsewhere.
func (a *API) deleteProject(c call) (any, error) {
	p, err := a.findProject(c)
	if err != nil {
		return nil, err
	}
	if p.IsDefault {
		return nil, conflict("the default project cannot be deleted")
	}
	if p.resources > 0 {
		return nil, conflict("project is not empty: it has %d resources", p.resources)
	}
	a.projects = slices.DeleteFunc(a.projects, func(other *project) bool { return other == p })
	a.removeMembers(func(m *member) bool { return m.projectID == p.ID })
	return withMessage("Project deleted"), nil
}

// projectSettings are the fields of a request's body that a project can be made with
// and that can be changed later.
type projectSettings struct {
	Name          *string `json:"name"`
	Description   *string `json:"description"`
	DefaultRegion *string `json:"default_region"`
}

// checkProject refuses settings that do not fit the project. Names are documented as
// unique; that case counts is not.
func (a *API) checkProject(p *project, s projectSettings) error {
	if err := checkName(s.Name, 64); err != nil {
		return err
	}
	if s.Name != nil && slices.ContainsFunc(a.projects, func(o *project) bool { return o.Name == *s.Name && o.ID != p.ID }) {
		return badRequest("name: there is a project of that name")
	}
	if s.DefaultRegion != nil {
		return oneOf("default_region", *s.DefaultRegion, "us-east")
	}
	return nil
}

func (s projectSettings) apply(p *project, now time.Time) {
	if s.Name != nil {
		p.Name = *s.Name
	}
	if s.Description != nil {
		p.Description = *s.Description
	}
	if s.DefaultRegion != nil {
		p.DefaultRegion = *s.DefaultRegion
	}
	p.UpdatedAt = seconds(now)
}

var notInSlugs = regexp.MustCompile(`[^a-z0-9]+`)

// newSlug makes a slug of a name. How is not documented, but that it stays when the
// name changes is, so another project's may be in the way.
func (a *API) newSlug(name string) string {
	base := strings.Trim(notInSlugs.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if base == "" {
		base = "project"
	}
	slug := base
	for i := 2; slices.ContainsFunc(a.projects, func(p *project) bool { return p.Slug == slug }); i++ {
		slug = fmt.Sprintf("%s-%d", base, i)
	}
	return slug
}

// findProject returns the project that the path names.
func (a *API) findProject(c call) (*project, error) {
	id, _ := parseID(c.PathValue("id"))
	p, ok := a.project(id)
	if !ok {
		return nil, notFound("project not found")
	}
	return p, nil
}

// visibleProject returns the project that the path names, if the key may know of it.
func (a *API) visibleProject(c call) (*project, error) {
	p, err := a.findProject(c)
	if err == nil && !a.canSee(c.key, p) {
		return nil, notFound("project not found")
	}
	return p, err
}

// project returns the project with that ID.
func (a *API) project(id string) (*project, bool) {
	i := slices.IndexFunc(a.projects, func(p *project) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return a.projects[i], true
}
