package sandbox

import (
	"strings"
	"time"
)

// seededMember is a member that New creates.
type seededMember struct {
	id         string
	project    string // its slug; "" is the account
	who        string // a person's email, or a key's handle
	role       string // its slug
	status     string
	age        time.Duration
	invitation string // its ID while it is pending
}

// seededMembers returns the Owner, who is in every sandbox, and the members that New adds.
func seededMembers() []seededMember {
	return []seededMember{
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f001", "", "olivia@meridian.example", "owner", "active", 500 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f002", "", "amir@meridian.example", "admin", "active", 480 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f003", "", "bea@meridian.example", "billing", "active", 470 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f004", "", "chen@meridian.example", "member", "active", 380 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f005", "", "dana@meridian.example", "member", "suspended", 370 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f006", "", "status-page", "member", "active", 150 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f007", "", "eva@contractor.example", "member", "pending", 4 * day, "f16ca042-8e5d-4b93-8d27-53e9c4b20001"},

		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f101", "production", "amir@meridian.example", "project-admin", "active", 480 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f102", "production", "chen@meridian.example", "operator", "active", 380 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f103", "production", "ci-old", "deployer", "active", 170 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f104", "production", "production-deploy", "deployer", "active", 40 * day, ""},

		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f201", "staging", "chen@meridian.example", "project-admin", "active", 380 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f202", "staging", "dana@meridian.example", "project-member", "suspended", 370 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f203", "staging", "dana-laptop", "operator", "active", 200 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f204", "staging", "load-test", "operator", "active", 80 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f205", "staging", "nightly-backup", "viewer", "active", 75 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f206", "staging", "ci", "deployer", "active", 20 * day, ""},
		{"e05b9d31-7f4c-4a82-9c16-42d8b3a1f207", "staging", "hugo@contractor.example", "viewer", "pending", day, "f16ca042-8e5d-4b93-8d27-53e9c4b20002"},
	}
}

// create returns the member as of now.
func (s seededMember) create(now time.Time) *member {
	created := seconds(now.Add(-s.age))
	m := &member{
		id:         s.id,
		projectID:  ProjectID(s.project),
		roleID:     RoleID(s.role),
		status:     s.status,
		invitedBy:  UserID,
		createdAt:  created,
		updatedAt:  created,
		acceptedAt: created,
	}
	if !strings.Contains(s.who, "@") {
		m.keyID = KeyID(s.who)
		return m
	}
	m.email, m.userID = s.who, UserIDOf(s.who)
	if m.userID == UserID {
		m.invitedBy = ""
	}
	if s.invitation != "" {
		m.invitation = s.invitation
		m.inviteExpiresAt = created.Add(invitationLife)
		m.acceptedAt = time.Time{}
	}
	return m
}
