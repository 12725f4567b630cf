package tools

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// access is what a person or an API key can use.
type access struct {
	AccountRole  string          `json:"account_role,omitempty"`
	ProjectRoles []roleInProject `json:"project_roles"`
}

// roleInProject is a role that a person or an API key has in a project.
type roleInProject struct {
	ProjectID   string `json:"project_id"`
	ProjectName string `json:"project_name,omitempty"`
	RoleID      string `json:"role_id,omitempty"`
	RoleName    string `json:"role_name,omitempty"`
	MemberID    string `json:"member_id,omitempty"`
	Status      string `json:"status,omitempty"`
}

// accessOf returns what a key can use, or why that is not known, as a clause.
func (d *deps) accessOf(k raffclient.APIKey) (a access, unknown string) {
	for _, field := range []string{"role_id", "role_name", "project_accesses"} {
		if slices.Contains(k.Unreadable, field) {
			unknown = "Raff's response contains " + field + " with an unexpected type"
		}
	}
	a = access{AccountRole: cmp.Or(k.RoleName, k.RoleID), ProjectRoles: []roleInProject{}}
	for _, p := range k.ProjectAccesses {
		a.ProjectRoles = append(a.ProjectRoles, roleInProject{p.ProjectID, p.ProjectName, p.RoleID, p.RoleName, d.memberIDOf(k.ID, p.ProjectID), ""})
	}
	return a, unknown
}

func (a access) String() string {
	account := "no account role"
	if a.AccountRole != "" {
		account = "the account role " + quoteAtMost(a.AccountRole, maxListed)
	}
	return account + " and " + rolesText(a.ProjectRoles)
}

const (
	maxListed   = 64 // characters of a name in a list
	shownAtMost = 3  // items of a list in a sentence
)

// rolesText names the first of the roles in projects.
func rolesText(roles []roleInProject) string {
	if len(roles) == 0 {
		return "no project roles"
	}
	return counted(len(roles), "project role") + ": " + firstOf(roles, func(r roleInProject) string {
		text := fmt.Sprintf("%s in %s", quoteAtMost(cmp.Or(r.RoleName, r.RoleID), maxListed), quoteAtMost(cmp.Or(r.ProjectName, r.ProjectID), maxListed))
		if r.Status == "suspended" {
			text += " (suspended)"
		}
		return text
	})
}

// counted returns a number with a noun that forms its plural with s.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// firstOf joins the texts of the first items, and says how many there are beyond them.
func firstOf[T any](items []T, text func(T) string) string {
	var list []string
	for _, item := range items[:min(len(items), shownAtMost)] {
		list = append(list, text(item))
	}
	if more := len(items) - shownAtMost; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}

// createdKey is an API key that a person created, who may still have its secret.
type createdKey struct {
	ID         string               `json:"id"`
	Name       string               `json:"name,omitempty"`
	KeyPrefix  string               `json:"key_prefix,omitempty"`
	RoleName   string               `json:"role_name,omitempty"`
	InUse      bool                 `json:"in_use"` // works and was used in the last 90 days
	LastUsedAt raffclient.Timestamp `json:"last_used_at,omitempty"`
	Fix        string               `json:"fix"` // calls after which the person's copy of the secret is useless, or what the user must do instead
}

func (d *deps) createdKey(k raffclient.APIKey) createdKey {
	c := createdKey{k.ID, k.Name, k.KeyPrefix, k.RoleName, usedRecently(k), k.LastUsedAt, ""}
	revoke := callText("revoke_api_key", "api_key_id", k.ID, "confirm_name", cmp.Or(k.Name, k.ID))
	switch {
	case d.isOwn(k):
		c.Fix = d.whoseKey(k) + " " + d.ownKeySteps(k)
	case c.InUse:
		c.Fix = callText("replace_api_key", "api_key_id", k.ID) + ", deploy the new secret, then " + revoke
	case isUsable(k) && k.LastUsedAt == "" && isNew(k, time.Now()):
		c.Fix = "It is new and may be about to be used. If it is needed: " + callText("replace_api_key", "api_key_id", k.ID) + ", deploy the new secret, then revoke it; if not: " + revoke
	default:
		c.Fix = revoke
	}
	return c
}

// usedRecently reports whether a key works and may have been used in the last 90 days.
func usedRecently(k raffclient.APIKey) bool {
	used, ok := k.LastUsedAt.Time()
	return isUsable(k) && k.LastUsedAt != "" && (!ok || time.Since(used) < 90*24*time.Hour)
}

func (k createdKey) String() string {
	use := "not in use"
	if k.InUse {
		use = "in use, last at " + timeText(k.LastUsedAt)
	}
	return fmt.Sprintf("%s (%s, %s)", quoteAtMost(cmp.Or(k.Name, k.ID), maxListed), prefixText(k.KeyPrefix), use)
}

// keysText says which keys a person created, and that they keep working.
func keysText(keys []createdKey) string {
	text := fmt.Sprintf("They created %s, which the account keeps: %s.", counted(len(keys), "API key"), firstOf(keys, createdKey.String))
	if len(keys) == 0 {
		return "They created no API keys."
	}
	return text
}

// keySteps says what to do about the keys that a person created and may have copies of.
func keySteps(keys []createdKey) string {
	if len(keys) == 0 {
		return ""
	}
	var list []string
	for _, k := range keys[:min(len(keys), shownAtMost)] {
		list = append(list, quoteAtMost(cmp.Or(k.Name, k.ID), maxListed)+": "+strings.TrimSuffix(k.Fix, "."))
	}
	text := " They may still have the secrets. If the user agrees, do this for each key: " + strings.Join(list, "; ")
	if more := len(keys) - shownAtMost; more > 0 {
		text += fmt.Sprintf("; and %d more: see fix in api_keys", more)
	}
	return text + "."
}

// unknownText repeats the first of the sentences about what could not be read.
func unknownText(unknown []string) string {
	if len(unknown) == 0 {
		return ""
	}
	text := " Not everything is known. " + strings.Join(unknown[:min(len(unknown), shownAtMost)], " ")
	if more := len(unknown) - shownAtMost; more > 0 {
		text += fmt.Sprintf(" And %d more: see unknown.", more)
	}
	return text
}

// lookup reads what a person can use. What cannot be read is recorded, not returned as an
// error.
type lookup struct {
	*deps
	unknown []string // sentences
}

func (l *lookup) note(format string, args ...any) {
	l.unknown = append(l.unknown, fmt.Sprintf(format, args...))
}

// keysBy returns the API keys that a user created, those in use first.
func (l *lookup) keysBy(ctx context.Context, userID string) []createdKey {
	keys := []createdKey{}
	for k, err := range l.client.APIKeys(ctx) {
		if err != nil {
			l.note("Which API keys they created is unknown, which takes %s: %s.", apiKeysView.name, why(ctx, err))
			break
		}
		if strings.EqualFold(k.CreatedBy, userID) {
			keys = append(keys, l.createdKey(k))
		}
	}
	slices.SortStableFunc(keys, func(a, b createdKey) int {
		return cmp.Compare(b.order(), a.order())
	})
	return keys
}

// order is higher for keys that need attention first.
func (k createdKey) order() int {
	if k.InUse {
		return 1
	}
	return 0
}

// inProjects calls found for each member of a project that matches.
func (l *lookup) inProjects(ctx context.Context, matches func(raffclient.Member) bool, found func(raffclient.Project, raffclient.Member)) {
	var projects []raffclient.Project
	for p, err := range l.client.Projects(ctx) {
		if err != nil {
			l.note("Which projects there are is not known completely, which takes %s: %s.", projectsView.name, why(ctx, err))
			break
		}
		projects = append(projects, p)
	}
	failed := 0
	for i, p := range projects {
		if ctx.Err() != nil {
			l.note("The members of %d of %d projects were not read, because that took too long.", len(projects)-i, len(projects))
			break
		}
		if err := l.inProject(ctx, p, matches, found); err != nil {
			if failed++; failed <= shownAtMost {
				l.note("The members of %s are unknown, which takes %s: %s.", labeled("project", p.Name), projectMembersView.name, why(ctx, err))
			}
		}
	}
	if more := failed - shownAtMost; more > 0 {
		l.note("The members of %d more projects are unknown for reasons of that kind.", more)
	}
}

func (l *lookup) inProject(ctx context.Context, p raffclient.Project, matches func(raffclient.Member) bool, found func(raffclient.Project, raffclient.Member)) error {
	for m, err := range l.client.ProjectMembers(ctx, p.ID, "") {
		if err != nil {
			return err
		}
		if matches(m) {
			found(p, m)
		}
	}
	return nil
}

// why words an error of a read that has a time limit.
func why(ctx context.Context, err error) string {
	if ctx.Err() == context.DeadlineExceeded {
		return "reading it took too long"
	}
	return reason(err)
}

func newRoleInProject(p raffclient.Project, m raffclient.Member) roleInProject {
	return roleInProject{p.ID, p.Name, m.RoleID, m.RoleName, m.ID, m.Status}
}

// samePerson reports whether a member is the person with that user ID and e-mail address,
// of which one may be unknown.
func samePerson(m raffclient.Member, userID, email string) bool {
	return userID != "" && strings.EqualFold(m.UserID, userID) || email != "" && strings.EqualFold(m.Email, email)
}
