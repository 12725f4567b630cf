package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

func projectRoutes() []route {
	return []route{
		{id: "listProjects", method: "GET", path: "/api/v1/projects", permission: "account.projects.view", orGrant: true, handle: (*API).listProjects},
		{id: "createProject", method: "POST", path: "/api/v1/projects", permission: "account.projects.create", status: http.StatusCreated, handle: withBody((*API).createProject)},
		{id: "getProject", method: "GET", path: "/api/v1/projects/{id}", permission: "account.projects.view", orGrant: true, handle: on((*API).findVisibleProject, (*API).getProject)},
		{id: "updateProject", method: "PUT", path: "/api/v1/projects/{id}", permission: "account.projects.manage", handle: onWithBody((*API).findProject, (*API).updateProject)},
		{id: "deleteProject", method: "DELETE", path: "/api/v1/projects/{id}", permission: "account.projects.delete", handle: on((*API).findProject, (*API).deleteProject)},
	}
}

// project is a project as the API stores it.
type project struct {
	publicProject
	resources int // number of virtual machines and the like
}

// publicProject is a project as responses contain it.
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

// Project is a project as Projects returns it. A project with resources cannot be
// deleted.
type Project struct {
	ID, Name, Slug string
	Default        bool
	Resources      int
}

// Projects returns all projects in the order of creation.
func (a *API) Projects() []Project {
	a.mu.Lock()
	defer a.mu.Unlock()
	return convert(a.projects, func(p *project) Project {
		return Project{p.ID, p.Name, p.Slug, p.IsDefault, p.resources}
	})
}

func (a *API) listProjects(c call) (any, error) {
	visible := a.projects.filter(func(p *project) bool { return a.canSee(c.key, p) })
	return paginate(c, convert(visible, func(p *project) publicProject { return p.publicProject }), 20)
}

func (a *API) getProject(_ call, p *project) (any, error) { return withData(p.publicProject), nil }

// createProjectRequest is the body of createProject.
type createProjectRequest struct{ projectSettings }

func (r createProjectRequest) validate(now time.Time) error {
	return cmp.Or(required("name", r.Name), r.projectSettings.validate(now))
}

// createProject creates a project. Its creator gets no role in it: none is documented.
func (a *API) createProject(c call, body createProjectRequest) (any, error) {
	p := &project{publicProject: publicProject{
		ID:            uuid.NewString(),
		AccountID:     AccountID,
		DefaultRegion: "us-east",
		IsActive:      true,
		CreatedBy:     c.key.CreatedBy,
		CreatedAt:     seconds(c.now),
	}}
	if err := a.checkProjectName(p, body.Name); err != nil {
		return nil, err
	}
	p.Slug = a.newSlug(*body.Name)
	body.apply(p, c.now)
	a.projects = append(a.projects, p)
	return withData(p.publicProject), nil
}

// updateProject changes the fields that were sent. Every field is documented as
// optional, and nothing says that one is required.
func (a *API) updateProject(c call, p *project, body projectSettings) (any, error) {
	if err := a.checkProjectName(p, body.Name); err != nil {
		return nil, err
	}
	body.apply(p, c.now)
	return withData(p.publicProject), nil
}

// deleteProject deletes a project and all roles in it. The status of its errors is not
// documented; 409 is what the API uses for such conflicts elsewhere.
func (a *API) deleteProject(_ call, p *project) (any, error) {
	if p.IsDefault {
		return nil, conflict("the default project cannot be deleted")
	}
	if p.resources > 0 {
		return nil, conflict("project is not empty: it has %d resources", p.resources)
	}
	a.projects.remove(func(other *project) bool { return other == p })
	a.members.remove(func(m *member) bool { return m.projectID == p.ID })
	return withMessage("Project deleted"), nil
}

// projectSettings are the fields that can be set when a project is created and changed
// later.
type projectSettings struct {
	Name          *string `json:"name"`
	Description   *string `json:"description"`
	DefaultRegion *string `json:"default_region"`
}

func (s projectSettings) validate(time.Time) error {
	return cmp.Or(checkName(s.Name, 64), checkOneOf("default_region", s.DefaultRegion, "us-east"))
}

// checkProjectName returns an error if another project has the name. It is documented that
// names are unique, but not whether case matters; here it does.
func (a *API) checkProjectName(p *project, name *string) error {
	if name != nil && a.projects.contains(func(o *project) bool { return o.Name == *name && o.ID != p.ID }) {
		return badRequest("name: there is a project of that name")
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

// newSlug derives a unique slug from a name. The derivation is not documented. It is
// documented that a slug does not change with the name, so another project may already
// have the slug.
func (a *API) newSlug(name string) string {
	base := strings.Trim(notInSlugs.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if base == "" {
		base = "project"
	}
	slug := base
	for i := 2; a.projects.contains(func(p *project) bool { return p.Slug == slug }); i++ {
		slug = fmt.Sprintf("%s-%d", base, i)
	}
	return slug
}

// findProject returns the project whose ID is in the path.
func (a *API) findProject(c call) (*project, error) {
	id, _ := parseID(c.PathValue("id"))
	p, ok := a.project(id)
	if !ok {
		return nil, notFound("project not found")
	}
	return p, nil
}

// findVisibleProject returns the project whose ID is in the path, if the key can see it.
func (a *API) findVisibleProject(c call) (*project, error) {
	p, err := a.findProject(c)
	if err == nil && !a.canSee(c.key, p) {
		return nil, notFound("project not found")
	}
	return p, err
}

// project returns the project with that ID.
func (a *API) project(id string) (*project, bool) {
	return a.projects.find(func(p *project) bool { return p.ID == id })
}
