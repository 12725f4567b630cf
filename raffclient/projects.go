package raffclient

import (
	"context"
	"iter"
)

// Project groups resources of the account.
type Project struct {
	ID            string    `json:"id,omitempty"`
	AccountID     string    `json:"account_id,omitempty"`
	Name          string    `json:"name,omitempty"`
	Slug          string    `json:"slug,omitempty"` // does not change when the project is renamed
	Description   string    `json:"description,omitempty"`
	DefaultRegion string    `json:"default_region,omitempty"`
	Default       *bool     `json:"is_default,omitempty"` // cannot be deleted; nil: unknown
	Active        *bool     `json:"is_active,omitempty"`
	CreatedBy     string    `json:"created_by,omitempty"`
	CreatedAt     Timestamp `json:"created_at,omitempty"`
	UpdatedAt     Timestamp `json:"updated_at,omitempty"`
	Unreadable    []string  `json:"unreadable,omitempty"` // see APIKey
}

// CreateProjectRequest describes a new project.
type CreateProjectRequest struct {
	Name          string `json:"name"` // 1 to 64 characters, unique in the account
	Description   string `json:"description,omitempty"`
	DefaultRegion string `json:"default_region,omitempty"` // "us-east"
}

// UpdateProjectRequest changes a project. Fields that are not set are left unchanged.
type UpdateProjectRequest struct {
	Name          string  `json:"name,omitempty"`
	Description   *string `json:"description,omitempty"`
	DefaultRegion string  `json:"default_region,omitempty"`
}

// Projects yields the projects that the key can see. An error ends the sequence.
//
// GET /api/v1/projects
func (c *Client) Projects(ctx context.Context) iter.Seq2[Project, error] {
	return allItems(pages(ctx, c, projects()))
}

func projects() listing[Project] {
	return listing[Project]{path: []string{"projects"}, id: Project.id}
}

func (p Project) id() string { return p.ID }

func (p *Project) setUnreadable(fields []string) { p.Unreadable = fields }

// GetProject returns the project with that ID.
//
// GET /api/v1/projects/{id}
func (c *Client) GetProject(ctx context.Context, id string) (Project, error) {
	project, _, err := byID(ctx, c, request{method: "GET", path: []string{"projects", id}}, id, Project.id)
	return project, err
}

// CreateProject creates a project. If the response is lost, the error is an
// *OutcomeError.
//
// POST /api/v1/projects
func (c *Client) CreateProject(ctx context.Context, r CreateProjectRequest) (Project, error) {
	return create(ctx, c, creation[Project, Project]{
		request:   request{method: "POST", path: []string{"projects"}, body: r},
		resource:  "project",
		name:      r.Name,
		decode:    decodeResource[Project],
		candidate: func(p Project) (Candidate, bool) { return p.candidate(), p.ID != "" },
		list:      projects(),
		match:     func(p Project) (Candidate, bool) { return p.candidate(), similarNames(r.Name, p.Name) },
	})
}

func (p Project) candidate() Candidate {
	return Candidate{ID: p.ID, Name: p.Name, CreatedAt: p.CreatedAt}
}

// UpdateProject changes the project with that ID and returns the changed project.
//
// PUT /api/v1/projects/{id}
func (c *Client) UpdateProject(ctx context.Context, id string, r UpdateProjectRequest) (Project, error) {
	project, _, err := byID(ctx, c, request{method: "PUT", path: []string{"projects", id}, body: r}, id, Project.id)
	return project, err
}

// DeleteProject deletes the project with that ID permanently. The project must be
// empty.
//
// DELETE /api/v1/projects/{id}
func (c *Client) DeleteProject(ctx context.Context, id string) error {
	return c.remove(ctx, "projects", id)
}
