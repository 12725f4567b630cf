package tools

// Example returns the arguments of a call of t that succeeds in a new sandbox, as JSON.
func (t Tool) Example() string { return examples[t.Name] }

// examples contains [Tool.Example] by the name of the tool. The IDs are those of package
// sandbox, which this package does not import.
var examples = map[string]string{
	"whoami":                    `{}`,
	"list_api_keys":             `{"active":true,"limit":10}`,
	"get_api_key":               `{"api_key_id":"d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00d"}`,
	"create_api_key":            `{"name":"Production CI","role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a004"}`,
	"update_api_key":            `{"api_key_id":"d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00d","is_active":false}`,
	"regenerate_api_key":        `{"api_key_id":"d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00d","confirm_name":"Grafana"}`,
	"revoke_api_key":            `{"api_key_id":"d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00d","confirm_name":"Grafana"}`,
	"replace_api_key":           `{"api_key_id":"d94a7c22-0e1b-4f63-b5d8-6a2f90c7e003"}`,
	"audit_api_keys":            `{"unused_days":60}`,
	"list_roles":                `{"scope":"account"}`,
	"get_role":                  `{"role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a102"}`,
	"create_role":               `{"name":"Auditor","slug":"auditor","scope":"account","permissions":["account.audit.view"]}`,
	"update_role":               `{"role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a102","name":"Release manager"}`,
	"delete_role":               `{"role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a103","confirm_name":"Seasonal help"}`,
	"list_permissions":          `{"scope":"project"}`,
	"list_projects":             `{}`,
	"get_project":               `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002"}`,
	"create_project":            `{"name":"Web shop","description":"What customers see"}`,
	"update_project":            `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b003","name":"Rehearsal"}`,
	"delete_project":            `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b004","confirm_name":"Playground"}`,
	"list_members":              `{"status":"active"}`,
	"get_member":                `{"member_id":"e05b9d31-7f4c-4a82-9c16-42d8b3a1f004"}`,
	"add_member":                `{"email":"ines@meridian.example","role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a004"}`,
	"update_member":             `{"member_id":"e05b9d31-7f4c-4a82-9c16-42d8b3a1f004","status":"suspended"}`,
	"remove_member":             `{"member_id":"e05b9d31-7f4c-4a82-9c16-42d8b3a1f004","confirm_name":"chen@meridian.example"}`,
	"list_project_members":      `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002"}`,
	"get_project_member":        `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002","member_id":"e05b9d31-7f4c-4a82-9c16-42d8b3a1f102"}`,
	"add_project_member":        `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b004","api_key_id":"d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00d","role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a008"}`,
	"update_project_member":     `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002","member_id":"e05b9d31-7f4c-4a82-9c16-42d8b3a1f102","role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a008"}`,
	"remove_project_member":     `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002","member_id":"e05b9d31-7f4c-4a82-9c16-42d8b3a1f102","confirm_name":"chen@meridian.example"}`,
	"get_access":                `{"email":"chen@meridian.example"}`,
	"create_account_invitation": `{"email":"ines@meridian.example","role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a004"}`,
	"create_project_invitation": `{"project_id":"b83e5f10-6c2d-4d9a-a7f4-38c1e0d9b002","email":"ines@meridian.example","role_id":"a1d40c6e-52b7-4f0e-8c31-7be9d2f4a008"}`,
	"cancel_invitation":         `{"invitation_id":"f16ca042-8e5d-4b93-8d27-53e9c4b20001","confirm_name":"eva@contractor.example"}`,
}
