package raffclient_test

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/contract"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// description is what the API is documented to be.
const description = "testdata/raff-openapi.yaml"

// contractCall is a call of a method of Client.
type contractCall struct {
	method string
	call   func(ctx context.Context, c *raffclient.Client) error
}

func all[T any](items iter.Seq2[T, error]) error {
	for _, err := range items {
		if err != nil {
			return err
		}
	}
	return nil
}

// failed drops the value of a call.
func failed[T any](_ T, err error) error { return err }

// contractCalls are the methods of Client, each called with nothing but what it
// needs, and with everything that it takes. They succeed in a new sandbox.
func contractCalls() []contractCall {
	key, role, viewer := sandbox.KeyID("grafana"), sandbox.RoleID("member"), sandbox.RoleID("viewer")
	production, playground := sandbox.ProjectID("production"), sandbox.ProjectID("playground")
	chen, inProduction := sandbox.MemberID("", "chen@meridian.example"), sandbox.MemberID("production", "chen@meridian.example")
	deployer, text, yes := sandbox.RoleID("deployer"), "Any text: ü, <b>, \"x\"", true
	later := time.Now().Add(time.Hour)
	return []contractCall{
		{"CreateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: "a"}))
		}},
		{"CreateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: text, RateLimitTier: "high", ExpiresAt: &later, RoleID: role}))
		}},
		{"APIKeys", func(ctx context.Context, c *raffclient.Client) error { return all(c.APIKeys(ctx)) }},
		{"GetAPIKey", func(ctx context.Context, c *raffclient.Client) error { return failed(c.GetAPIKey(ctx, key)) }},
		{"UpdateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateAPIKey(ctx, key, raffclient.UpdateAPIKeyRequest{Name: "b"}))
		}},
		{"UpdateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateAPIKey(ctx, key, raffclient.UpdateAPIKeyRequest{Name: text, RateLimitTier: "high", ExpiresAt: &later, Active: &yes}))
		}},
		{"RegenerateAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.RegenerateAPIKey(ctx, raffclient.APIKey{ID: key}))
		}},
		{"RevokeCreatedAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			k, err := c.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: "unread"})
			if err != nil {
				return err
			}
			return c.RevokeCreatedAPIKey(ctx, k)
		}},
		{"RevokeAPIKey", func(ctx context.Context, c *raffclient.Client) error {
			return c.RevokeAPIKey(ctx, raffclient.APIKey{ID: key})
		}},
		{"IsOwn", func(_ context.Context, c *raffclient.Client) error {
			c.IsOwn(raffclient.APIKey{}) // sends nothing
			return nil
		}},
		{"MayBeOwn", func(_ context.Context, c *raffclient.Client) error {
			c.MayBeOwn(raffclient.APIKey{}) // sends nothing
			return nil
		}},
		{"LoadKey", func(ctx context.Context, c *raffclient.Client) error { return c.LoadKey(ctx) }},
		{"ReloadKey", func(ctx context.Context, c *raffclient.Client) error { return c.ReloadKey(ctx) }},
		{"OwnKeyPrefix", func(_ context.Context, c *raffclient.Client) error {
			c.OwnKeyPrefix() // sends nothing
			return nil
		}},
		{"Sanitize", func(_ context.Context, c *raffclient.Client) error {
			c.Sanitize("") // sends nothing
			return nil
		}},
		{"Roles", func(ctx context.Context, c *raffclient.Client) error { return all(c.Roles(ctx, "")) }},
		{"Roles", func(ctx context.Context, c *raffclient.Client) error { return all(c.Roles(ctx, "project")) }},
		{"GetRole", func(ctx context.Context, c *raffclient.Client) error { return failed(c.GetRole(ctx, deployer)) }},
		{"CreateRole", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateRole(ctx, raffclient.CreateRoleRequest{Name: "a", Slug: "a", Scope: "project", Permissions: []string{"vm.view"}}))
		}},
		{"CreateRole", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateRole(ctx, raffclient.CreateRoleRequest{Name: text, Slug: "b", Scope: "project", Permissions: []string{"vm.view"}, Description: text}))
		}},
		{"UpdateRole", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateRole(ctx, deployer, raffclient.UpdateRoleRequest{Name: "c"}))
		}},
		{"UpdateRole", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateRole(ctx, deployer, raffclient.UpdateRoleRequest{Name: "d", Description: &text, Permissions: []string{"vm.view"}}))
		}},
		{"DeleteRole", func(ctx context.Context, c *raffclient.Client) error {
			r, err := c.CreateRole(ctx, raffclient.CreateRoleRequest{Name: "e", Slug: "e", Scope: "project", Permissions: []string{"vm.view"}})
			if err != nil {
				return err
			}
			return c.DeleteRole(ctx, r.ID)
		}},
		{"Permissions", func(ctx context.Context, c *raffclient.Client) error { return all(c.Permissions(ctx, "")) }},
		{"Permissions", func(ctx context.Context, c *raffclient.Client) error {
			return all(c.Permissions(ctx, "account"))
		}},
		{"Projects", func(ctx context.Context, c *raffclient.Client) error { return all(c.Projects(ctx)) }},
		{"GetProject", func(ctx context.Context, c *raffclient.Client) error { return failed(c.GetProject(ctx, production)) }},
		{"CreateProject", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateProject(ctx, raffclient.CreateProjectRequest{Name: "a"}))
		}},
		{"CreateProject", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateProject(ctx, raffclient.CreateProjectRequest{Name: text, Description: text, DefaultRegion: "us-east"}))
		}},
		{"UpdateProject", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateProject(ctx, production, raffclient.UpdateProjectRequest{Name: "b"}))
		}},
		{"UpdateProject", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateProject(ctx, production, raffclient.UpdateProjectRequest{Name: "c", Description: &text, DefaultRegion: "us-east"}))
		}},
		{"DeleteProject", func(ctx context.Context, c *raffclient.Client) error { return c.DeleteProject(ctx, playground) }},
		{"Members", func(ctx context.Context, c *raffclient.Client) error { return all(c.Members(ctx, "")) }},
		{"Members", func(ctx context.Context, c *raffclient.Client) error { return all(c.Members(ctx, "pending")) }},
		{"GetMember", func(ctx context.Context, c *raffclient.Client) error { return failed(c.GetMember(ctx, chen)) }},
		{"AddMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.AddMember(ctx, raffclient.AddMemberRequest{Email: "a@b.example", RoleID: role}))
		}},
		{"AddMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.AddMember(ctx, raffclient.AddMemberRequest{TargetUserID: sandbox.UserIDOf("gita@partner.example"), RoleID: role}))
		}},
		{"AddMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.AddMember(ctx, raffclient.AddMemberRequest{APIKeyID: sandbox.KeyID("ci"), RoleID: role}))
		}},
		{"UpdateMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateMember(ctx, chen, raffclient.UpdateMemberRequest{RoleID: role}))
		}},
		{"UpdateMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateMember(ctx, chen, raffclient.UpdateMemberRequest{RoleID: role, Status: "suspended"}))
		}},
		{"RemoveMember", func(ctx context.Context, c *raffclient.Client) error {
			return c.RemoveMember(ctx, sandbox.MemberID("", "dana@meridian.example"))
		}},
		{"ProjectMembers", func(ctx context.Context, c *raffclient.Client) error {
			return all(c.ProjectMembers(ctx, production, ""))
		}},
		{"ProjectMembers", func(ctx context.Context, c *raffclient.Client) error {
			return all(c.ProjectMembers(ctx, production, "active"))
		}},
		{"GetProjectMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.GetProjectMember(ctx, production, inProduction))
		}},
		{"AddProjectMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.AddProjectMember(ctx, production, raffclient.AddProjectMemberRequest{
				TargetUserID: sandbox.UserIDOf("bea@meridian.example"), RoleID: viewer,
			}))
		}},
		{"AddProjectMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.AddProjectMember(ctx, production, raffclient.AddProjectMemberRequest{APIKeyID: sandbox.KeyID("ci"), RoleID: viewer}))
		}},
		{"UpdateProjectMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateProjectMember(ctx, production, inProduction, raffclient.UpdateMemberRequest{Status: "suspended"}))
		}},
		{"UpdateProjectMember", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.UpdateProjectMember(ctx, production, inProduction, raffclient.UpdateMemberRequest{RoleID: viewer, Status: "active"}))
		}},
		{"RemoveProjectMember", func(ctx context.Context, c *raffclient.Client) error {
			return c.RemoveProjectMember(ctx, production, inProduction)
		}},
		{"CreateAccountInvitation", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateAccountInvitation(ctx, raffclient.CreateInvitationRequest{Email: "c@d.example", RoleID: role}))
		}},
		{"CreateProjectInvitation", func(ctx context.Context, c *raffclient.Client) error {
			return failed(c.CreateProjectInvitation(ctx, production, raffclient.CreateInvitationRequest{Email: "e@f.example", RoleID: viewer}))
		}},
		{"Probe", func(ctx context.Context, c *raffclient.Client) error { return failed(c.Probe(ctx)) }},
		{"CancelInvitation", func(ctx context.Context, c *raffclient.Client) error {
			return c.CancelInvitation(ctx, sandbox.InvitationID("eva@contractor.example"))
		}},
	}
}

// Every method of the client sends what is described, and nothing else, and every
// operation that is described is sent by one; also when the API requires a project,
// and when the responses are lost and the client looks up what happened.
func TestContract(t *testing.T) {
	for _, tt := range []struct {
		name    string
		prepare func(api *faulty.API)
		fails   bool
	}{
		{"as documented", func(*faulty.API) {}, false},
		{"project required", func(api *faulty.API) { api.RequireProjectID(true) }, false},
		{"deletions without a body", func(api *faulty.API) { api.EmptyDeletions(true) }, false},
		{"responses lost", func(api *faulty.API) { api.Fail(faulty.Fault{Method: "POST", Cut: true, After: true, Times: -1}) }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := faulty.Wrap(sandbox.New())
				log := contract.Watch(t, api, description)
				tt.prepare(api)
				c, err := raffclient.New(raffclient.Config{
					APIKey: api.OwnerKey(), BaseURL: "http://localhost", Transport: api.Transport(),
					ProjectID: sandbox.ProjectID("production"),
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range contractCalls() {
					if err := x.call(t.Context(), c); err != nil && !tt.fails {
						t.Errorf("%s: %v", x.method, err)
					}
				}
				if tt.fails {
					return
				}
				for _, op := range sandbox.Operations() {
					if strings.HasPrefix(op.Path, "/api/") && !slices.Contains(log.Operations(), op.ID) {
						t.Errorf("no method sends %s", op.ID)
					}
				}
			})
		})
	}
}

// A method that is not among the calls would not be checked.
func TestContractHasEveryMethod(t *testing.T) {
	calls := contractCalls()
	for method := range reflect.TypeFor[*raffclient.Client]().Methods() {
		if !slices.ContainsFunc(calls, func(x contractCall) bool { return x.method == method.Name }) {
			t.Errorf("%s is not called", method.Name)
		}
	}
}
