package tools

import (
	"cmp"
	"context"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
)

func projectTools() []Tool {
	return inToolset("projects",
		define(spec{
			name:        "list_projects",
			title:       "List projects",
			description: "List the projects that the server's API key can see.",
			effect:      reads,
			permission:  projectsView,
		}, listProjects),
		define(spec{
			name:        "get_project",
			title:       "Get project",
			description: "Get one project.",
			effect:      reads,
			permission:  projectsView,
		}, getProject),
		define(spec{
			name:        "create_project",
			title:       "Create project",
			description: "Create a project for cloud resources. Members and keys get roles in it.",
			effect:      creates,
			permission:  projectsCreate,
		}, createProject),
		define(spec{
			name:        "update_project",
			title:       "Update project",
			description: "Change a project. Its ID and slug stay.",
			effect:      updates,
			permission:  projectsManage,
		}, updateProject),
		define(spec{
			name:        "delete_project",
			title:       "Delete project",
			description: "Permanently delete a project and the roles in it. Raff refuses if it is the default project or contains resources, which only the dashboard lists.",
			effect:      deletes,
			refuses:     "Raff deletes neither the default project nor one that contains resources; these tools cannot list resources, so look in the Raff dashboard.",
			permission:  projectsDelete,
		}, deleteProject),
	)
}

func listProjects(ctx context.Context, d *deps, in listInput) (pageOutput[listedProject], error) {
	o, err := list("projects", in, d.client.Projects(ctx), leanProject)
	o.none = "The server's API key can see no projects."
	return o, err
}

// listedProject is a project in a list.
type listedProject struct {
	ID         string   `json:"id"`
	Name       string   `json:"name,omitempty"`
	Slug       string   `json:"slug,omitempty"`
	Default    *bool    `json:"is_default,omitempty"`
	Active     *bool    `json:"is_active,omitempty"`
	Unreadable []string `json:"unreadable,omitempty" jsonschema:"-"` // rare: not in the schema
}

func leanProject(p raffclient.Project) listedProject {
	return listedProject{p.ID, p.Name, p.Slug, p.Default, p.Active, p.Unreadable}
}

type projectIDInput struct {
	ID string `json:"project_id" jsonschema:"format=uuid" jsonschema_description:"From list_projects."`
}

// projectOutput is all about one project.
type projectOutput struct {
	summarized
	CreatedByEmail string             `json:"created_by_email,omitempty"`
	Project        raffclient.Project `json:"project"`
	creator        string             // a clause
}

func (o projectOutput) summary() string {
	text := fmt.Sprintf("This is the %s%s.", projectText(o.Project), o.creator)
	switch p := o.Project; {
	case p.Default == nil:
		text += " Whether it is the default project, which cannot be deleted, is unknown."
	case *p.Default:
		return text + " It is the default project, which cannot be deleted."
	default:
		text += " It is not the default project."
	}
	return text + " It can be deleted only if it contains no resources, which only the Raff dashboard shows."
}

func projectText(p raffclient.Project) string {
	return fmt.Sprintf("%s (ID %s)", labeled("project", p.Name), idText(p.ID))
}

// createdProjectOutput is a new project.
type createdProjectOutput struct {
	summarized
	confirmed
	Project raffclient.Project `json:"project"`
}

func (o createdProjectOutput) summary() string {
	return fmt.Sprintf("Created the %s.", projectText(o.Project)) + o.doubts("get_project")
}

// changedProjectOutput is a project after a change.
type changedProjectOutput struct {
	summarized
	changed
	Project listedProject `json:"project"`
}

func (o changedProjectOutput) summary() string {
	return o.sentences(projectText(raffclient.Project{ID: o.Project.ID, Name: o.Project.Name}), "get_project")
}

func getProject(ctx context.Context, d *deps, in projectIDInput) (projectOutput, error) {
	o := projectOutput{}
	var err error
	if o.Project, err = d.client.GetProject(ctx, in.ID); err == nil && o.Project.CreatedBy != "" {
		var by string
		o.CreatedByEmail, by = d.creator(ctx, o.Project.CreatedBy)
		o.creator = ", created by " + by
	}
	return o, err
}

type createProjectInput struct {
	Name          string `json:"name" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"1 to 64 characters, unique in the account."`
	Description   string `json:"description,omitempty"`
	DefaultRegion string `json:"default_region,omitempty" jsonschema:"enum=us-east"`
}

func createProject(ctx context.Context, d *deps, in createProjectInput) (createdProjectOutput, error) {
	d.announce(ctx, "create_project", "creating project", "name", in.Name)
	project, err := d.client.CreateProject(ctx, raffclient.CreateProjectRequest(in))
	if err != nil {
		return createdProjectOutput{}, err
	}
	o := createdProjectOutput{Project: project}
	o.text("name", in.Name, project.Name)
	o.text("description", in.Description, project.Description)
	o.token("default_region", in.DefaultRegion, project.DefaultRegion)
	return o, nil
}

type updateProjectInput struct {
	projectIDInput
	Name          string  `json:"name,omitempty" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"1 to 64 characters, unique in the account."`
	Description   *string `json:"description,omitempty"`
	DefaultRegion string  `json:"default_region,omitempty" jsonschema:"enum=us-east"`
}

// Check implements [schema.Checker].
func (in updateProjectInput) Check() []schema.Fault {
	return atLeastOne(in.Name != "" || in.Description != nil || in.DefaultRegion != "", "'name', 'description' and 'default_region'")
}

func updateProject(ctx context.Context, d *deps, in updateProjectInput) (changedProjectOutput, error) {
	var o changedProjectOutput
	old, err := d.client.GetProject(ctx, in.ID)
	if err := o.begin(err, projectsView); err != nil {
		return o, err
	}
	now, err := d.client.UpdateProject(ctx, in.ID, raffclient.UpdateProjectRequest{Name: in.Name, Description: in.Description, DefaultRegion: in.DefaultRegion})
	if err != nil {
		return o, err
	}
	o.Project = leanProject(now)
	o.Project.ID = cmp.Or(now.ID, in.ID)
	o.text("name", in.Name, old.Name, now.Name)
	o.optional("description", in.Description, old.Description, now.Description)
	o.token("default_region", in.DefaultRegion, old.DefaultRegion, now.DefaultRegion)
	return o, nil
}

type deleteProjectInput struct {
	projectIDInput
	ConfirmName string `json:"confirm_name" jsonschema:"minLength=1" jsonschema_description:"The project's current name."`
}

func deleteProject(ctx context.Context, d *deps, in deleteProjectInput) (deletedOutput, error) {
	project, err := d.client.GetProject(ctx, in.ID)
	if err != nil {
		return deletedOutput{}, withPermission(err, projectsView)
	}
	a := action{"Delete", "project", in.ID, cmp.Or(project.Name, in.ID), "ID " + idText(in.ID), "It is deleted with the roles that members and API keys have in it. This cannot be undone.", "get_project"}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return deletedOutput{}, err
	}
	return deleted("Deleted %s (ID %s) permanently, with the roles in it.", "project", in.ID, project.Name), d.client.DeleteProject(ctx, in.ID)
}
