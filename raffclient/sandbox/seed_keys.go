package sandbox

import "time"

// seededKey is a key that New creates. Its secret is not known; regenerating the key
// returns a new one.
type seededKey struct {
	id, handle, name string
	role             string // slug of the role in the account with which it was created, or ""
	by               string // email of its creator
	age, unused      time.Duration
	expiry           time.Duration // from now; 0 is never
	inactive         bool
}

// never is the value of unused for a key that was never used.
const never = time.Duration(-1)

// seededKeys returns the owner's key, which every sandbox has, and the keys that New adds:
// one for each problem that an administrator would look for.
func seededKeys() []seededKey {
	return []seededKey{
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e001", handle: "owner", name: "Owner", role: "owner", by: "olivia@meridian.example", age: 500 * day, unused: never},
		// Not used for months.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e002", handle: "invoice-export", name: "Invoice export", role: "billing", by: "bea@meridian.example", age: 400 * day, unused: 200 * day, expiry: 180 * day},
		// Never expires.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e003", handle: "terraform", name: "Terraform", role: "admin", by: "amir@meridian.example", age: 390 * day, unused: day},
		// Expired, but still listed.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e004", handle: "old-website", name: "Old website", role: "member", by: "amir@meridian.example", age: 385 * day, unused: 21 * day, expiry: -20 * day},
		// Created by somebody who has left.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e005", handle: "migration", name: "Migration", role: "member", by: "farid@meridian.example", age: 300 * day, unused: 12 * day, expiry: 65 * day},
		// Created by somebody who is suspended.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e006", handle: "dana-laptop", name: "Dana laptop", role: "member", by: "dana@meridian.example", age: 200 * day, unused: day, expiry: 90 * day},
		// The first of two with the same name.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e007", handle: "ci-old", name: "CI", by: "olivia@meridian.example", age: 170 * day, unused: 30 * day, expiry: 40 * day},
		// Its role is a membership of the account.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e008", handle: "status-page", name: "Status page", by: "amir@meridian.example", age: 150 * day, unused: 5 * time.Minute, expiry: 215 * day},
		// Inactive.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e009", handle: "load-test", name: "Load test", role: "member", by: "chen@meridian.example", age: 80 * day, unused: 60 * day, expiry: 265 * day, inactive: true},
		// Expires in a few days.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00a", handle: "nightly-backup", name: "Nightly backup", role: "member", by: "olivia@meridian.example", age: 75 * day, unused: 6 * time.Hour, expiry: 5 * day},
		// Has all permissions.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00b", handle: "break-glass", name: "Break glass", role: "owner", by: "olivia@meridian.example", age: 60 * day, unused: 10 * day, expiry: 120 * day},
		// Could obtain all permissions: its custom role can create keys and change members.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00c", handle: "team-onboarding", name: "Team onboarding", role: "key-administrator", by: "amir@meridian.example", age: 50 * day, unused: 3 * day, expiry: 130 * day},
		// Never used.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00d", handle: "grafana", name: "Grafana", role: "member", by: "amir@meridian.example", age: 45 * day, unused: never, expiry: 320 * day},
		// No problem.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00e", handle: "production-deploy", name: "Production deploy", by: "olivia@meridian.example", age: 40 * day, unused: 2 * time.Hour, expiry: 60 * day},
		// The second of two with the same name.
		{id: "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e00f", handle: "ci", name: "CI", by: "chen@meridian.example", age: 20 * day, unused: 3 * time.Hour, expiry: 70 * day},
	}
}

// create returns the key as of now, and its secret.
func (s seededKey) create(now time.Time) (*apiKey, string) {
	key := newAPIKey(keySettings{Name: &s.name}, RoleID(s.role), UserIDOf(s.by), now.Add(-s.age))
	secret := key.newSecret()
	key.ID = s.id
	key.IsActive = !s.inactive
	if s.unused != never {
		key.LastUsedAt = seconds(now.Add(-s.unused))
	}
	if s.expiry != 0 {
		key.ExpiresAt = seconds(now.Add(s.expiry))
	}
	return key, secret
}
