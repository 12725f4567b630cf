package raffclient

import (
	"context"
	"iter"
)

// Project holds resources of the account.
type Project struct {
	ID            string `json:"id,omitempty"`
	AccountID     string `json:"account_id,omitempty"`
	Name          string `json:"name,omitempty"`
	Slug          string `json:"slug,omitempty"` // stays when the project is renamed
	Description   string `json:"description,omitempty"`
	DefaultRegion string `json:"default_region,omitempty"`
	Default       *bool  `json:"is_default,omitempty"` // cannot be deleted
	Active        *bool  `json:"is_active,omitempty"`
	CreatedBy     string `json:"created_by,omitempty"`
	CreatedAt     Time   `json:"created_at,omitempty"`
	UpdatedAt     Time   `json:"updated_at,omitempty"`
}

// CreateProjectRequest describes a new project.
type CreateProjectRequest struct {
	Name          string `json:"name"` // 1 to 64 characters, unique in the account
	Description   string `json:"description,omitempty"`
	DefaultRegion string `json:"default_region,omitempty"` // "us-east"
}

// UpdateProjectRequest changes a project. What is not set stays.
type UpdateProjectRequest struct {
	Name          string  `json:"name,omitempty"`
	Description   *string `json:"description,omitempty"`
	DefaultRegion string  `json:"default_region,omitempty"`
}

// ListProjects returns a part of the projects that the key can see.
//
// GET /api/v1/projects
func (c *Client) ListProjects(ctx context.Context, r Range) (Page[Project], error) {
	return list[Project](ctx, c, r, []string{"projects"})
}

func (c *Client) projectPages(ctx context.Context) iter.Seq2[page[Project], error] {
	return pages(ctx, c, []string{"projects"}, func(p Project) string { return p.ID })
}

// GetProject returns the project with that ID.
//
// GET /api/v1/projects/{id}
func (c *Client) GetProject(ctx context.Context, id string) (Project, error) {
	project, _, err := call[Project](ctx, c, request{method: "GET", path: []string{"projects", id}})
	return project, err
}

// CreateProject makes a project. A lost answer is an *OutcomeError.
//
// POST /api/v1/projects
func (c *Client) CreateProject(ctx context.Context, r CreateProjectRequest) (Project, error) {
	return create(ctx, c, creation[Project, Project]{
		read:     decode[Project],
		request:  request{method: "POST", path: []string{"projects"}, body: r},
		resource: "project",
		name:     r.Name,
		made:     func(p Project) (Made, bool) { return p.made(), p.ID != "" },
		list:     c.projectPages,
		found:    func(p Project) (Made, bool) { return p.made(), sameName(p.Name, r.Name) },
	})
}

func (p Project) made() Made { return Made{ID: p.ID, Name: p.Name, CreatedAt: p.CreatedAt} }

// UpdateProject changes the project with that ID and returns it as it is then.
//
// PUT /api/v1/projects/{id}
func (c *Client) UpdateProject(ctx context.Context, id string, r UpdateProjectRequest) (Project, error) {
	project, _, err := call[Project](ctx, c, request{method: "PUT", path: []string{"projects", id}, body: r})
	return project, err
}

// DeleteProject deletes the project with that ID, which has to be empty, for good.
//
// DELETE /api/v1/projects/{id}
func (c *Client) DeleteProject(ctx context.Context, id string) error {
	_, _, err := call[struct{}](ctx, c, request{method: "DELETE", path: []string{"projects", id}})
	return err
}
