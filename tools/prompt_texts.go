package tools

import (
	"fmt"
	"strconv"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// checkAccess is the first step of every task.
const checkAccess = `Call whoami {}. If a tool that the task needs lacks a permission, say so now and ask the user whether to go on.`

func onboardService() prompt {
	return prompt{
		name:        "onboard_service",
		title:       "Onboard a service",
		description: "Give a new service an API key of its own, with the narrowest role and an expiry.",
		arguments: []promptArgument{
			{"service", "Name of the service; its key is named after it.", true, nil},
			{"project", "Project that it works in.", false, projectNames},
			{"role", "Role that it needs.", false, roleNames},
			{"expiry", "When its key expires: a date, or a number of days.", false, nil},
		},
		tools: []string{"whoami", "list_api_keys", "list_roles", "list_projects", "create_api_key", "add_project_member", "get_api_key", "revoke_api_key"},
		text: func(d *deps, a promptArguments) string {
			name := a["service"]
			if name == "" {
				name = "…"
			}
			return task("Give a new service access to the Raff API, with an API key of its own.",
				[]string{a.line("Service", "service"), a.line("Project", "project"), a.line("Role", "role"), a.line("Expiry", "expiry")},
				[]string{
					checkAccess,
					"Call " + callText("list_api_keys", "name", name) + ". If the service has a key already, show it and ask the user whether a second one is wanted.",
					`Look for the narrowest role. For work in a project, call list_projects {} and list_roles {"scope":"project"}. Only if the service administers the account itself, call list_roles {"scope":"account"}.`,
					"Ask the user for what is not given: project, role, expiry, and where the secret will be kept. Then show the plan (name, expiry, roles) and wait for a clear yes.",
					"Call " + callText("create_api_key", "name", name, "expires_at", "…") + `. Add "role_id" only for an account role that the user agreed to. Never call it twice for the same key.`,
					d.secretStep(),
					`For each project, call add_project_member {"project_id":"…","api_key_id":"…","role_id":"…"}.`,
					`Call get_api_key {"api_key_id":"…"} and compare it with the plan. If a step failed after the key was created, ask the user whether to complete the key or to revoke it with revoke_api_key {"api_key_id":"…","confirm_name":"…"}.`,
				},
				"the key's name, ID, prefix, expiry, roles and projects; where its secret is kept; what was not done.")
		},
	}
}

func rotateKey() prompt {
	return prompt{
		name:        "rotate_key",
		title:       "Rotate an API key",
		description: "Replace an API key by a successor without downtime, then revoke it.",
		arguments:   []promptArgument{{"key", "Name or ID of the API key.", true, keyNames}},
		tools:       []string{"whoami", "list_api_keys", "get_api_key", "replace_api_key", "revoke_api_key"},
		text: func(d *deps, a promptArguments) string {
			return task("Rotate an API key without downtime.",
				[]string{a.line("Key", "key")},
				[]string{
					checkAccess,
					findKey(a["key"]),
					`Call get_api_key {"api_key_id":"…"}. Tell the user what the key may do, when it expires and when it was last used. Ask what uses it, and whether the successor may have the same access and term. Wait for a clear yes.`,
					`Call replace_api_key {"api_key_id":"…"}, with "expires_at" if the user wants another expiry. If the result says that the successor lacks access, complete it first.`,
					d.secretStep(),
					"Ask the user to put the new secret wherever the old one is used, and to say when that is done. Do not go on before.",
					`Call get_api_key {"api_key_id":"…"} for both keys. The old one is out of use if the last_used_at of the successor is recent and that of the old key no longer changes. If not, say what still uses the old key, as far as that can be seen, and wait.`,
					`Ask the user whether to revoke the old key now: whatever still uses it stops working, and that cannot be undone. Only after a clear yes, call revoke_api_key {"api_key_id":"…","confirm_name":"…"} for the old key.`,
				},
				"both keys with name, ID and prefix; the successor's expiry and access; whether the old key is revoked, and if not, what has to happen first.")
		},
	}
}

func auditKeys() prompt {
	return prompt{
		name:        "audit",
		title:       "Audit the API keys",
		description: "Look for risky API keys and propose what to do about them. Changes nothing.",
		arguments: []promptArgument{
			{"unused_days", "Report keys that were not used for so many days. Default: 90.", false, nil},
			{"expires_within_days", "Report keys that expire within so many days. Default: 30.", false, nil},
		},
		tools: []string{"whoami", "audit_api_keys", "get_api_key"},
		text: func(_ *deps, a promptArguments) string {
			return task("Audit the API keys of the account. Change nothing.",
				[]string{a.daysLine("Unused for days", "unused_days", 90), a.daysLine("Expires within days", "expires_within_days", 30)},
				[]string{
					`Call whoami {}. It says which key is the server's own, and what this audit cannot see.`,
					fmt.Sprintf(`Call audit_api_keys {"unused_days":%d,"expires_within_days":%d}. If its summary says that findings are left, call again as it says until you have all.`, a.days("unused_days", 90), a.days("expires_within_days", 30)),
					`For each finding of high severity, call get_api_key {"api_key_id":"…"} if you need the key's roles and projects to judge it.`,
					"Tell apart what is dangerous now, what will break soon, and what is untidy. Say what could not be judged, and why.",
					"Propose a fix for each finding, with the call that its fix contains. Call none of them before the user has chosen it: ask which of them to make.",
				},
				"a table with severity, key (name and prefix), why it matters, and the proposed fix, worst first; below it what is not known.")
		},
	}
}

func offboardPerson() prompt {
	return prompt{
		name:        "offboard_person",
		title:       "Off-board a person",
		description: "Take away everything that a person who leaves can use: membership, project roles, invitations, and the keys they created.",
		arguments:   []promptArgument{{"person", "E-mail address of the person.", true, emailAddresses}},
		tools: []string{
			"whoami", "get_access", "list_members", "update_member",
			"replace_api_key", "revoke_api_key", "cancel_invitation", "remove_project_member", "remove_member",
		},
		text: func(d *deps, a promptArguments) string {
			return task("Off-board a person: take away everything that they can use in the account.",
				[]string{a.line("Person", "person")},
				[]string{
					checkAccess,
					`Call get_access {"email":"…"} with the person's e-mail address. If it finds nobody, call list_members {}, show who fits and ask. The result has the account role, the roles in projects with their member_id, pending invitations and the keys that the person created. These keys keep working after the person is removed, and the person may have their secrets. The Owner cannot be removed.`,
					"Show the user all of it. Ask for each key whether to replace it (in use), to revoke it (not needed) or to leave it, and ask whether to remove the person. Wait for a clear yes to each.",
					`If access must end at once, offer to suspend the person first, which can be undone: update_member {"member_id":"…","status":"suspended"}.`,
					`For each key to replace, call replace_api_key {"api_key_id":"…"}. The old key is revoked only when the user says that the new secret is in use.`,
					d.secretStep(),
					`For each key to revoke, call revoke_api_key {"api_key_id":"…","confirm_name":"…"}.`,
					`For each pending invitation, call cancel_invitation {"invitation_id":"…","confirm_name":"…"}, with "project_id" if it is to a project.`,
					`For each role in a project, call remove_project_member {"project_id":"…","member_id":"…","confirm_name":"…"}. Then call remove_member {"member_id":"…","confirm_name":"…"}.`,
					`Call get_access {"email":"…"} again to verify that nothing is left.`,
				},
				"what was taken away; every key that the person created, with what was done to it; what remains, such as keys that still have to be replaced, and who has to do it.")
		},
	}
}

func cleanUpKeys() prompt {
	return prompt{
		name:        "clean_up_keys",
		title:       "Clean up unused keys",
		description: "Find API keys that are expired, inactive or unused, switch them off and, once that did no harm, revoke them.",
		arguments:   []promptArgument{{"unused_days", "A key counts as unused after so many days. Default: 90.", false, nil}},
		tools:       []string{"whoami", "audit_api_keys", "get_api_key", "update_api_key", "revoke_api_key"},
		text: func(_ *deps, a promptArguments) string {
			return task("Clean up the API keys that nobody uses.",
				[]string{a.daysLine("Unused for days", "unused_days", 90)},
				[]string{
					checkAccess,
					fmt.Sprintf(`Call audit_api_keys {"unused_days":%d}. Candidates are the keys that it reports as expired, inactive, unused or never used. If its summary says that findings are left, call again as it says until you have all.`, a.days("unused_days", 90)),
					`Leave out the server's own key. If a name suggests rare use, such as a yearly job or an emergency, call get_api_key {"api_key_id":"…"} and ask the user about it.`,
					"Show the candidates with name, prefix, last use, expiry and creator. Ask which to revoke, which to switch off first, and which to keep. Wait for a clear yes; silence or a general remark is none.",
					`A key that might still be used is switched off first, which can be undone: update_api_key {"api_key_id":"…","is_active":false}. Agree with the user when to look again; if something broke, switch it on with "is_active":true.`,
					`For each key that the user chose to revoke, call revoke_api_key {"api_key_id":"…","confirm_name":"…"}. That cannot be undone. Stop at the first result that is not what the user expects.`,
				},
				"each candidate with what was done to it; the keys that are switched off and when to revoke them; the keys that stay, with the reason.")
		},
	}
}

// secretStep says what to do with a new secret.
func (d *deps) secretStep() string {
	if d.secrets.Inline() && len(d.destinations) > 0 {
		return "If the result contains the new secret (secret.value), give it to the user once, in your reply, and put it nowhere else unless the user asks. If it was delivered elsewhere, as with deliver_to, tell the user where (secret.location), and do not read it there."
	}
	if d.secrets.Inline() {
		return "The result contains the new secret, once. Give it to the user once, in your reply, with where it belongs; put it nowhere else unless the user asks."
	}
	return "You do not see the new secret: it was delivered elsewhere. Tell the user where (secret.location), and do not read it there."
}

var withPrefix = lazyregexp.New(` \(raff_[^() ]*\)$`)

// findKey is the step that finds a key by name or ID, or by what completion offers for a
// name that several keys have: "CI (raff_17d70fcf)".
func findKey(key string) string {
	const ask = "If none or more than one fits, show the candidates with name, key_prefix and last_used_at, and ask which is meant."
	name := withPrefix.Get().ReplaceAllString(key, "")
	switch {
	case key == "":
		return "Ask the user which key is meant. Call list_api_keys {} to show which there are."
	case raffclient.IsUUID(key):
		return "The key is given by its ID. If there is no such key, call list_api_keys {} and ask the user which is meant."
	case name != key:
		return "Call " + callText("list_api_keys", "name", name) + ", and take the key with the prefix in parentheses. " + ask
	}
	return "Call " + callText("list_api_keys", "name", name) + ". " + ask
}

// days returns an argument that is a number of days, or the default if it is none.
func (a promptArguments) days(name string, byDefault int) int {
	n, err := strconv.Atoi(a[name])
	if err != nil || n < 1 || n > 3650 {
		return byDefault
	}
	return n
}

func (a promptArguments) daysLine(label, name string, byDefault int) string {
	n, line := a.days(name, byDefault), a.line(label, name)
	if a[name] != strconv.Itoa(n) {
		line += fmt.Sprintf(", so the default of %d is used", n)
	}
	return line
}
