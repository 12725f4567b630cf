package tools

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// finding is one fact about one key that deserves attention.
type finding struct {
	Severity  string `json:"severity"` // high, medium, low
	Kind      string `json:"kind"`
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	KeyPrefix string `json:"key_prefix,omitempty"`
	Why       string `json:"why"`
	Fix       string `json:"fix"` // the calls to make if the user agrees, or what the user has to do instead
	key       *judgedKey
}

// judgedKey is an API key with the facts that determine its findings and their order.
type judgedKey struct {
	raffclient.APIKey
	*audit
	works          bool
	power          power
	administers    []string                   // permissions with which it could obtain all others
	managesMembers []raffclient.ProjectAccess // projects whose members it can manage
	use            use
	creator        creator
	findings       []finding
}

// judge returns the findings about a key.
func (a *audit) judge(key raffclient.APIKey) []finding {
	k := &judgedKey{APIKey: key, audit: a, works: isUsable(key), use: a.useOf(key), creator: a.creatorOf(key)}
	if key.Active == nil {
		a.doubts.add("Whether the key is active is unknown for %s, so it is judged as an active one.", key)
	}
	k.readPower()
	k.judgePower()
	k.judgeCreator()
	k.judgeExpiry()
	k.judgeUse()
	k.judgeName()
	return k.findings
}

// report adds a finding. A key that does not work is a smaller risk, and nothing breaks if it
// is revoked.
func (k *judgedKey) report(severity, kind, why, fix string) {
	switch {
	case k.isOwn(k.APIKey):
		if kind != "duplicate_name" { // the server can rename its own key
			fix = k.whoseKey(k.APIKey) + " " + k.ownKeySteps(k.APIKey)
		}
	case !k.works:
		severity, fix = lower(severity), "It does not work now: "+k.revoke()+"."
	}
	k.findings = append(k.findings, finding{severity, kind, k.ID, k.Name, k.KeyPrefix, why, fix, k})
}

func (k *judgedKey) revoke() string {
	return callText("revoke_api_key", "api_key_id", k.ID, "confirm_name", cmp.Or(k.Name, k.ID))
}

// rotate returns how to replace a key that may be in use.
func (k *judgedKey) rotate() string {
	return fmt.Sprintf("%s, deploy the new secret, then %s.", callText("replace_api_key", "api_key_id", k.ID, "expires_at", k.proposedExpiry()), k.revoke())
}

// unlessUnused returns fix, or for a key that is not in use the simpler fix.
func (k *judgedKey) unlessUnused(fix string) string {
	if k.use == notInUse {
		return "It is not in use. If nobody needs it: " + k.revoke() + "."
	}
	return fix
}

// proposedExpiry returns the expiry that fixes propose: in 90 days.
func (a *audit) proposedExpiry() string {
	return a.now.UTC().AddDate(0, 0, 90).Truncate(24 * time.Hour).Format(time.RFC3339)
}

func (k *judgedKey) judgePower() {
	switch why := "Its role " + quoted(k.RoleName); {
	case k.power == powerOwner:
		k.reportAdministrator("Its role Owner allows everything")
	case k.power == powerAdministrator:
		k.reportAdministrator(why + " has " + strings.Join(k.administers, ", "))
	case k.power == powerProjectAdministrator:
		k.reportProjectAdministrator()
	}
}

func (k *judgedKey) reportAdministrator(why string) {
	create := callText("create_api_key", "name", k.names.propose(cmp.Or(k.Name, "API key")), "expires_at", k.proposedExpiry(), "role_id", "…")
	if n := len(k.ProjectAccesses); n > 0 {
		create += fmt.Sprintf(", add_project_member for its %d project roles", n)
	}
	k.report("high", "could_administer", why+": whoever has its secret can take over the account.",
		k.unlessUnused(fmt.Sprintf("Choose a role without such permissions: %s. Then %s, deploy the new key and %s.",
			callText("list_roles", "scope", "account"), create, k.revoke())))
}

func (k *judgedKey) reportProjectAdministrator() {
	var projects []string
	for _, p := range k.managesMembers {
		projects = append(projects, quoted(cmp.Or(p.ProjectName, p.ProjectID)))
	}
	first := k.managesMembers[0]
	fix := fmt.Sprintf("Find its member_id (role %s, no e-mail address) with %s and a narrower role with %s. Then %s",
		quoted(first.RoleName), callText("list_project_members", "project_id", first.ProjectID), callText("list_roles", "scope", "project"),
		callText("update_project_member", "project_id", first.ProjectID, "member_id", "…", "role_id", "…"))
	if len(projects) > 1 {
		fix += ", and the same in the other projects"
	}
	k.report("medium", "manages_project_members",
		fmt.Sprintf("It has project.members.manage in %s: whoever has its secret can give anyone any role there.", firstThree(projects)),
		k.unlessUnused(fix+"."))
}

func (k *judgedKey) judgeCreator() {
	switch k.creator {
	case creatorGone:
		k.report("high", "creator_gone", fmt.Sprintf("Its creator (user ID %s) is no longer a member of the account and may still have its secret.", idText(k.CreatedBy)),
			k.unlessUnused(k.rotate()))
	case creatorSuspended:
		who := "user ID " + idText(k.CreatedBy)
		if email := k.people.email(k.CreatedBy); email != "" {
			who = quoted(email)
		}
		k.report("high", "creator_suspended", fmt.Sprintf("Its creator (%s) is suspended and may still have its secret.", who),
			k.unlessUnused(k.rotate()))
	}
}

// thisWeek is how soon the expiry of a key in use is urgent.
const thisWeek = 7 * 24 * time.Hour

func (k *judgedKey) judgeExpiry() {
	expires, ok := k.ExpiresAt.Time()
	switch {
	case k.ExpiresAt == "":
		k.report("medium", "never_expires", "It never expires, so a leaked secret is valid forever.",
			callText("update_api_key", "api_key_id", k.ID, "expires_at", k.proposedExpiry())+", and replace the key before then. The expiry cannot be removed later.")
	case ok && !expires.After(k.now):
		k.report("low", "expired", fmt.Sprintf("It expired at %s and still exists.", timeText(k.ExpiresAt)), k.revoke()+".")
	case ok && expires.Before(k.now.Add(k.expires)):
		k.reportExpiresSoon(expires)
	case !ok:
		k.doubts.add("When the key expires is unknown for %s: Raff's response contains no date.", k.APIKey)
	}
	if k.Active != nil && !*k.Active {
		k.report("low", "inactive", "It is inactive and still exists: anyone who may manage keys can activate it.", k.revoke()+".")
	}
}

func (k *judgedKey) reportExpiresSoon(expires time.Time) {
	severity := "medium"
	if k.use == inUse && !expires.After(k.now.Add(thisWeek)) {
		severity = "high"
	}
	why := fmt.Sprintf("It expires at %s; whatever uses it stops working then.", timeText(k.ExpiresAt))
	if k.use == inUse {
		why = fmt.Sprintf("It is in use and expires at %s; whatever uses it stops working then.", timeText(k.ExpiresAt))
	}
	k.report(severity, "expires_soon", why, k.unlessUnused("Before then: "+k.rotate()))
}

func (k *judgedKey) judgeUse() {
	if !k.works || k.use != notInUse {
		return
	}
	if k.LastUsedAt == "" {
		k.report("medium", "never_used", fmt.Sprintf("It was created at %s and never used.", timeText(k.CreatedAt)), k.unlessUnused(""))
		return
	}
	k.report("medium", "unused", fmt.Sprintf("It was last used at %s.", timeText(k.LastUsedAt)), k.unlessUnused(""))
}

func (k *judgedKey) judgeName() {
	if n := k.names.count[k.Name]; n > 1 && k.Name != "" {
		k.report("low", "duplicate_name", fmt.Sprintf("%d keys have this name, so one can be mistaken for another.", n),
			"Rename all but one: "+callText("update_api_key", "api_key_id", k.ID, "name", k.names.renamed[k.ID])+".")
	}
}

// names are the names of the account's keys.
type names struct {
	count   map[string]int
	renamed map[string]string // a distinct name for each key that shares its name, by ID
	last    map[string]int    // the number that was tried last, by name
}

func newNames(keys []raffclient.APIKey) names {
	n := names{map[string]int{}, map[string]string{}, map[string]int{}}
	for _, k := range keys {
		n.count[k.Name]++
	}
	for _, k := range keys {
		if n.count[k.Name] > 1 {
			n.renamed[k.ID] = n.propose(k.Name)
		}
	}
	return n
}

// maxStem is how many characters of a name a proposed name contains, which leaves room for a
// number: a name has at most 128.
const maxStem = 120

// propose returns a name that no key has and that was not proposed before: name with a number.
func (n names) propose(name string) string {
	if runes := []rune(name); len(runes) > maxStem {
		name = strings.TrimSpace(string(runes[:maxStem]))
	}
	for {
		n.last[name] = max(n.last[name]+1, 2)
		proposed := fmt.Sprintf("%s %d", name, n.last[name])
		if n.count[proposed] == 0 {
			return proposed
		}
	}
}

// doubts are what could not be judged, in the order of discovery.
type doubts []doubt

type doubt struct {
	format    string // of a sentence, for the keys
	ids, keys []string
}

// add records that something about a key could not be judged.
func (d *doubts) add(format string, k raffclient.APIKey) {
	i := slices.IndexFunc(*d, func(known doubt) bool { return known.format == format })
	if i < 0 {
		i = len(*d)
		*d = append(*d, doubt{format: format})
	}
	if of := &(*d)[i]; !slices.Contains(of.ids, k.ID) {
		of.ids = append(of.ids, k.ID)
		of.keys = append(of.keys, fmt.Sprintf("%s (%s)", quoteAtMost(k.Name, maxShort), prefixText(k.KeyPrefix)))
	}
}

func (d doubts) texts() (all []string) {
	for _, of := range d {
		all = append(all, fmt.Sprintf(of.format, firstThree(of.keys)))
	}
	return all
}

// firstThree returns the first three of a list, and how many more there are.
func firstThree(list []string) string {
	const shown = 3
	if n := len(list) - shown; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:shown], ", "), n)
	}
	return strings.Join(list, ", ")
}
