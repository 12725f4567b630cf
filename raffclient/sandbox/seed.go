package sandbox

import "time"

const day = 24 * time.Hour

// RoleID returns the ID of the system role with that slug (owner, admin, billing,
// member; project-admin, operator, project-member, viewer) or of a custom role that New
// creates (key-administrator and seasonal-help, which nobody has, of account scope;
// deployer of project scope). It is the same in every sandbox. It is "" for any other slug.
func RoleID(slug string) string {
	switch slug {
	case "owner":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a001"
	case "admin":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a002"
	case "billing":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a003"
	case "member":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a004"
	case "project-admin":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a005"
	case "operator":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a006"
	case "project-member":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a007"
	case "viewer":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a008"
	case "key-administrator":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a101"
	case "deployer":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a102"
	case "seasonal-help":
		return "a1d40c6e-52b7-4f0e-8c31-7be9d2f4a103"
	}
	return ""
}

// ProjectID returns the ID of the project with that slug: default, which every sandbox
// has and which cannot be deleted; production, which has resources, staging and
// playground, which New creates. It is "" for any other slug.
func ProjectID(slug string) string {
	for _, s := range seededProjects() {
		if s.slug == slug {
			return s.id
		}
	}
	return ""
}

// KeyID returns the ID of the key with that handle, which only this package uses: owner,
// which every sandbox has; invoice-export, terraform, old-website, migration,
// dana-laptop, ci-old, status-page, load-test, nightly-backup, break-glass,
// team-onboarding, grafana, production-deploy and ci, which New creates. It is "" for any
// other handle.
func KeyID(handle string) string {
	for _, s := range seededKeys() {
		if s.handle == handle {
			return s.id
		}
	}
	return ""
}

// MemberID returns the ID of a member that New creates, in the project with that slug, or
// in the account if project is "". who is the email of a person or the handle of a key.
// The Owner is a member in every sandbox. MemberID returns "" for any other member.
func MemberID(project, who string) string {
	for _, s := range seededMembers() {
		if s.project == project && s.who == who {
			return s.id
		}
	}
	return ""
}

// InvitationID returns the ID of the invitation that New creates for that email:
// eva@contractor.example to the account, hugo@contractor.example to staging. It is "" for
// any other email.
func InvitationID(email string) string {
	for _, s := range seededMembers() {
		if s.invitation != "" && s.who == email {
			return s.invitation
		}
	}
	return ""
}

// customRoles returns the custom roles that New creates.
func customRoles(now time.Time) []*role {
	roles := []*role{
		{
			ID:          RoleID("key-administrator"),
			Name:        "Key Administrator",
			Slug:        "key-administrator",
			Description: "Issues keys and decides who may do what",
			Scope:       "account",
			Permissions: []string{
				"account.apikeys.view", "account.apikeys.create", "account.apikeys.manage", "account.apikeys.revoke",
				"account.members.view", "account.members.manage", "account.roles.view",
			},
		},
		{
			ID:          RoleID("deployer"),
			Name:        "Deployer",
			Slug:        "deployer",
			Description: "Rolls out releases",
			Scope:       "project",
			Permissions: []string{"project.settings.view", "vm.view", "vm.create", "vm.power", "volume.view"},
		},
		{
			ID:          RoleID("seasonal-help"),
			Name:        "Seasonal help",
			Slug:        "seasonal-help",
			Description: "Looks after projects in December",
			Scope:       "account",
			Permissions: []string{"account.projects.view"},
		},
	}
	for _, r := range roles {
		r.AccountID, r.CreatedBy = AccountID, UserID
		r.CreatedAt = seconds(now.Add(-390 * day))
		r.UpdatedAt = r.CreatedAt
	}
	return roles
}

// seededProject is a project that New creates.
type seededProject struct {
	id, slug, name, description string
	age                         time.Duration
	resources                   int
}

// seededProjects returns the default project, which every sandbox has, and the projects
// that New adds.
func seededProjects() []seededProject {
	return []seededProject{
		{"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b001", "default", "Default", "", 500 * day, 2},
		{"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002", "production", "Production", "What customers use", 480 * day, 9},
		{"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b003", "staging", "Staging", "As production, a day ahead", 470 * day, 0},
		{"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b004", "playground", "Playground", "", 90 * day, 0},
	}
}

// create returns the project as of now.
func (s seededProject) create(now time.Time) *project {
	created := seconds(now.Add(-s.age))
	return &project{
		resources: s.resources,
		publicProject: publicProject{
			ID:            s.id,
			AccountID:     AccountID,
			Name:          s.name,
			Slug:          s.slug,
			Description:   s.description,
			DefaultRegion: "us-east",
			IsDefault:     s.slug == "default",
			IsActive:      true,
			CreatedBy:     UserID,
			CreatedAt:     created,
			UpdatedAt:     created,
		},
	}
}
