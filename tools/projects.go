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
			description: "List the projects of the account, as far as the server's API key can see them.",
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
			description: "Create a project, which cloud resources are kept in and members and API keys are given roles in.",
			effect:      creates,
			permission:  projectsCreate,
		}, createProject),
		define(spec{
			name:        "update_project",
			title:       "Update project",
			description: "Rename or describe a project. Its ID and slug stay.",
			effect:      updates,
			permission:  projectsManage,
		}, updateProject),
		define(spec{
			name:        "delete_project",
			title:       "Delete project",
			description: "Delete an empty project for good, with the roles that members and API keys have in it. Raff refuses for the default project and for one that still holds resources.",
			effect:      deletes,
			refuses:     "The default project cannot be deleted, nor can a project that still contains resources.",
			permission:  projectsDelete,
		}, deleteProject),
	)
}

func listProjects(ctx context.Context, d *deps, in listInput) (pageOutput[raffclient.Project], error) {
	return list("projects", in, d.client.Projects(ctx))
}

type projectIDInput struct {
	ID string `json:"id" jsonschema:"format=uuid" jsonschema_description:"The project's ID, from list_projects."`
}

type projectOutput struct {
	Project raffclient.Project `json:"project"`
}

func (o projectOutput) sentence(verb string) string {
	p := o.Project
	return fmt.Sprintf("%s %s (ID %s, slug %s).", verb, labeled("project", p.Name), idText(p.ID), quoted(p.Slug))
}

func (o projectOutput) summary() string { return o.sentence("This is the") }

// changedProjectOutput is the output of a tool that creates or changes a project.
type changedProjectOutput struct {
	projectOutput
	confirmed
	verb string
}

func (o changedProjectOutput) summary() string { return o.sentence(o.verb) + o.doubts("get_project") }

func getProject(ctx context.Context, d *deps, in projectIDInput) (projectOutput, error) {
	project, err := d.client.GetProject(ctx, in.ID)
	return projectOutput{project}, err
}

type createProjectInput struct {
	Name          string `json:"name" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"Unique in the account."`
	Description   string `json:"description,omitempty"`
	DefaultRegion string `json:"default_region,omitempty" jsonschema:"enum=us-east"`
}

func createProject(ctx context.Context, d *deps, in createProjectInput) (changedProjectOutput, error) {
	d.announce("create_project", "creating project", "name", in.Name)
	project, err := d.client.CreateProject(ctx, raffclient.CreateProjectRequest(in))
	if err != nil {
		return changedProjectOutput{}, err
	}
	o := changedProjectOutput{projectOutput: projectOutput{project}, verb: "Created the"}
	o.text("name", in.Name, project.Name)
	o.text("description", in.Description, project.Description)
	o.token("default_region", in.DefaultRegion, project.DefaultRegion)
	return o, nil
}

type updateProjectInput struct {
	projectIDInput
	Name          string  `json:"name,omitempty" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"Unique in the account."`
	Description   *string `json:"description,omitempty"`
	DefaultRegion string  `json:"default_region,omitempty" jsonschema:"enum=us-east"`
}

// Check implements [schema.Checker].
func (in updateProjectInput) Check() []schema.Fault {
	return atLeastOne(in.Name != "" || in.Description != nil || in.DefaultRegion != "", "'name', 'description' and 'default_region'")
}

func updateProject(ctx context.Context, d *deps, in updateProjectInput) (changedProjectOutput, error) {
	project, err := d.client.UpdateProject(ctx, in.ID, raffclient.UpdateProjectRequest{Name: in.Name, Description: in.Description, DefaultRegion: in.DefaultRegion})
	if err != nil {
		return changedProjectOutput{}, err
	}
	o := changedProjectOutput{projectOutput: projectOutput{project}, verb: "Changed the"}
	o.Project.ID = cmp.Or(project.ID, in.ID)
	o.text("name", in.Name, project.Name)
	o.optional("description", in.Description, project.Description)
	o.token("default_region", in.DefaultRegion, project.DefaultRegion)
	o.verb = o.lead(o.verb)
	return o, nil
}

type deleteProjectInput struct {
	projectIDInput
	confirmInput
}

func deleteProject(ctx context.Context, d *deps, in deleteProjectInput) (deletedOutput, error) {
	project, err := d.client.GetProject(ctx, in.ID)
	if err != nil {
		return deletedOutput{}, withPermission(err, projectsView)
	}
	a := action{"Delete", "project", in.ID, cmp.Or(project.Name, in.ID), "It is deleted for good, with the roles that members and API keys have in it. This cannot be undone."}
	if err := d.confirm(ctx, a, in.ConfirmName); err != nil {
		return deletedOutput{}, err
	}
	return deletedOutput{in.ID, project.Name, "Deleted %s (ID %s).", "project"}, d.client.DeleteProject(ctx, in.ID)
}
