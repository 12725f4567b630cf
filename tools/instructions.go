package tools

import (
	"slices"
	"strings"
)

// instructions returns what the assistant must know besides the descriptions of the tools,
// as far as it concerns the tools that are offered.
func (d *deps) instructions() string {
	lines := []string{"Administers a Raff Technologies cloud account. whoami shows what this server's key may do."}
	rule := func(wanted bool, text string) {
		if wanted {
			lines = append(lines, "- "+text)
		}
	}
	creates := d.offers("create_api_key")
	rule(creates && d.secrets.Inline(), `A new secret ("sensitive": true) is returned once, and the user sees it only if you write it out: do that once, in your reply, and put it nowhere else unless asked.`)
	rule(creates && !d.secrets.Inline(), "You do not see new secrets: they are delivered elsewhere. Tell the user where (secret.location), and do not read them there.")
	rule(creates && len(d.destinations) > 0, "If a destination in deliver_to fits, choose it: the secret then goes there without you seeing it.")
	rule(creates && d.offers("list_roles"), "Before you create a key, agree on purpose, expiry and the narrowest role (list_roles).")
	rule(d.offers("replace_api_key"), "Rotate with replace_api_key: regenerate_api_key breaks what uses the key.")
	rule(d.offers("audit_api_keys"), "audit_api_keys finds risky keys.")
	rule(slices.ContainsFunc(d.offered, Tool.destroys), "Take confirm_name from the user's words or from what you showed them.")
	rule(creates, "If an outcome is unknown or a secret is lost, do what the result says before trying again.")
	rule(d.sandbox, "SANDBOX: a simulated account in memory. Its keys grant no access, and all of it ends with the server. Tell the user so.")
	return strings.Join(lines, "\n")
}

// offers reports whether all tools with these names are offered.
func (d *deps) offers(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return !slices.ContainsFunc(d.offered, func(t Tool) bool { return t.Name == name })
	})
}

// destroys reports whether the tool asks for confirm_name.
func (t Tool) destroys() bool {
	return t.Effect == replaces.String() || t.Effect == deletes.String()
}
