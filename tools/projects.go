package tools

import (
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
			permission:  "account.projects.view",
			holders:     ownerAdminMember,
		}, listProjects),
		define(spec{
			name:        "get_project",
			title:       "Get project",
			description: "Get one project.",
			effect:      reads,
			permission:  "account.projects.view",
			holders:     ownerAdminMember,
		}, getProject),
		define(spec{
			name:        "create_project",
			title:       "Create project",
			description: "Create a project, which cloud resources are kept in and members and API keys are given roles in.",
			effect:      creates,
			permission:  "account.projects.create",
			holders:     ownerAdmin,
		}, createProject),
		define(spec{
			name:        "update_project",
			title:       "Update project",
			description: "Rename or describe a project. Its ID and slug stay.",
			effect:      updates,
			permission:  "account.projects.manage",
			holders:     ownerAdmin,
		}, updateProject),
		define(spec{
			name:        "delete_project",
			title:       "Delete project",
			description: "Delete an empty project for good, with the roles that members and API keys have in it. Raff refuses for the default project and for one that still holds resources.",
			effect:      deletes,
			permission:  "account.projects.delete",
			holders:     onlyOwner,
		}, deleteProject),
	)
}

func listProjects(ctx context.Context, e *env, in listInput) (listOutput[raffclient.Project], error) {
	p, err := e.client.ListProjects(ctx, in.rng())
	return listed("projects", in.rng(), p, err)
}

type projectIDInput struct {
	ID string `json:"id" jsonschema:"format=uuid" jsonschema_description:"The project's ID, from list_projects."`
}

type projectOutput struct {
	Project raffclient.Project `json:"project"`
	did     string
}

func (o projectOutput) summary() string {
	return fmt.Sprintf("%s project %q (ID %s, slug %s).", o.did, o.Project.Name, orNone(o.Project.ID), orNone(o.Project.Slug))
}

func getProject(ctx context.Context, e *env, in projectIDInput) (projectOutput, error) {
	project, err := e.client.GetProject(ctx, in.ID)
	return projectOutput{project, "This is the"}, err
}

type createProjectInput struct {
	Name          string `json:"name" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"Unique in the account."`
	Description   string `json:"description,omitempty"`
	DefaultRegion string `json:"default_region,omitempty" jsonschema:"enum=us-east"`
}

func createProject(ctx context.Context, e *env, in createProjectInput) (projectOutput, error) {
	project, err := e.client.CreateProject(ctx, raffclient.CreateProjectRequest(in))
	return projectOutput{project, "Created the"}, err
}

type updateProjectInput struct {
	projectIDInput
	Name          string  `json:"name,omitempty" jsonschema:"minLength=1,maxLength=64" jsonschema_description:"Unique in the account."`
	Description   *string `json:"description,omitempty"`
	DefaultRegion string  `json:"default_region,omitempty" jsonschema:"enum=us-east"`
}

// Check adds what JSON Schema cannot say to every client.
func (in updateProjectInput) Check() []schema.Fault {
	return atLeastOne(in.Name != "" || in.Description != nil || in.DefaultRegion != "", "'name', 'description' and 'default_region'")
}

func updateProject(ctx context.Context, e *env, in updateProjectInput) (projectOutput, error) {
	project, err := e.client.UpdateProject(ctx, in.ID, raffclient.UpdateProjectRequest{Name: in.Name, Description: in.Description, DefaultRegion: in.DefaultRegion})
	return projectOutput{project, "Changed the"}, err
}

type deleteProjectInput struct {
	projectIDInput
	confirmInput
}

func deleteProject(ctx context.Context, e *env, in deleteProjectInput) (goneOutput, error) {
	project, err := e.client.GetProject(ctx, in.ID)
	if err != nil {
		return goneOutput{}, toLook(err, "account.projects.view", ownerAdminMember)
	}
	d := deed{"project", in.ID, project.Name, "It is deleted for good, with every role that somebody has in it."}
	if err := e.confirm(ctx, d, in.ConfirmName); err != nil {
		return goneOutput{}, err
	}
	return goneOutput{in.ID, project.Name, "Deleted project %q (ID %s)."}, e.client.DeleteProject(ctx, in.ID)
}
