package tools

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// explain describes an error of a tool for a model: what happened, and what to do next.
func (d *deps) explain(s spec, err error) string {
	if faults, ok := errors.AsType[schema.Faults](err); ok {
		return fmt.Sprintf("The arguments are wrong and nothing was sent: %v. Correct them and call %s again.", faults, s.name)
	}
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		return explainOutcome(s, lost)
	}
	for _, target := range []any{new(mismatch), new(refusal)} {
		if errors.As(err, target) {
			return err.Error()
		}
	}
	lookup, isLookup := errors.AsType[permissionError](err)
	if isLookup {
		s.permission = lookup.permission
	}
	if notReady, ok := errors.AsType[*delivery.NotReadyError](err); ok {
		return explainNotReady(s, notReady)
	}
	if undelivered, ok := errors.AsType[*undeliveredError](err); ok {
		return explainUndelivered(s, undelivered)
	}
	failed, ok := errors.AsType[*raffclient.Error](err)
	if !ok {
		return fmt.Sprintf("%s failed: %s. Look at the account's current state before calling it again.", s.name, reason(err))
	}
	if failed.MayHaveSucceeded() && !isLookup && (s.effect == updates || s.effect == deletes) {
		return "It is not known whether that was done; doing it again does no harm. " + d.explainError(s, failed)
	}
	return s.effect.noChange() + " " + d.explainError(s, failed)
}

// explainError describes an error of the API. It uses the clause of reason, except where
// the request as a whole needs other words.
func (d *deps) explainError(s spec, err *raffclient.Error) string {
	what := capitalized(reason(err))
	switch {
	case errors.Is(err, raffclient.ErrBilling):
		if err.Reason != "" {
			what += ", with the reason " + quoteAtMost(err.Reason, maxShort)
		}
		return what + ". Different arguments do not help: ask the user to fix the billing in the Raff dashboard, then call again."
	case errors.Is(err, raffclient.ErrUnauthorized):
		return d.explainUnauthorized(err)
	case errors.Is(err, raffclient.ErrForbidden) && s.permission.name == "":
		return "Raff did not permit it" + apiMessage(err) + ". Ask the user to check the permissions of the API key that the server runs with."
	case errors.Is(err, raffclient.ErrForbidden):
		return fmt.Sprintf("The API key that this server runs with lacks a permission, most likely %s%s. By default it is held by %s: ask the user to run the server with a key that has it.", s.permission.name, apiMessage(err), s.permission.holders)
	case errors.Is(err, raffclient.ErrProjectRequired):
		return "Raff requires a project for this request" + apiMessage(err) + ". Ask the user to set RAFF_PROJECT_ID to the ID of a project of the account and to restart the server."
	case errors.Is(err, raffclient.ErrNoEndpoint):
		return "Raff's API was not found" + apiMessage(err) + ": the call names no ID, so RAFF_API_URL is probably wrong. Ask the user to check it and to restart the server; different arguments do not help."
	case errors.Is(err, raffclient.ErrNotFound):
		return "Raff did not find what the request refers to" + apiMessage(err) + ". Check the IDs in the arguments against the lists: what they name may be deleted, or not accessible to the server's key."
	case errors.Is(err, raffclient.ErrConflict):
		return "The request conflicts with the current state of the account" + apiMessage(err) + ". " + s.remedy()
	case errors.Is(err, raffclient.ErrInvalid):
		return what + ". " + s.remedy()
	case errors.Is(err, raffclient.ErrRateLimited):
		return "Raff's rate limit for this API key was exhausted for longer than the call may wait" + apiMessage(err) + ". Call again " + retryIn(err.RetryAfter) + "; other programs may be using the same key."
	case errors.Is(err, raffclient.ErrUnavailable):
		return what + ". Call again " + retryIn(err.RetryAfter) + "; if it fails again, ask the user to check Raff's status."
	case errors.Is(err, raffclient.ErrUnreachable):
		return what + ". Ask the user to check the network, the proxy and RAFF_API_URL, then call again."
	case errors.Is(err, raffclient.ErrNoResponse):
		return "Raff's API did not respond" + apiMessage(err) + ". Call again in a minute."
	case errors.Is(err, raffclient.ErrRedirected):
		return what + ", because the API key would have been sent there. Ask the user to check RAFF_API_URL."
	case errors.Is(err, raffclient.ErrBadResponse):
		return what + ". Ask the user to check RAFF_API_URL and the proxy: something other than the API may be responding."
	case errors.Is(err, raffclient.ErrListIncomplete):
		return what + ", so it may be incomplete. Call again; if that does not help, ask the user to look in the Raff dashboard."
	case errors.Is(err, raffclient.ErrNotSent):
		return "The call was cancelled before anything was sent. Call again if it is still wanted."
	}
	return "It failed: " + reason(err) + ". Look at the account's current state before calling " + s.name + " again."
}

// explainUnauthorized describes the rejection of the server's key, and says where the key
// comes from.
func (d *deps) explainUnauthorized(err *raffclient.Error) string {
	if d.sandbox {
		return "The sandbox rejected the server's own API key" + apiMessage(err) + ": it was revoked, regenerated, deactivated or has expired since the server started. Ask the user to restart the server, which makes a new sandbox with a working key; calling again before that does not help."
	}
	return fmt.Sprintf("%s: it is mistyped, expired, inactive or revoked. It comes from %s. Ask the user to replace it there and to restart the server; calling again before that does not help.", capitalized(reason(err)), d.keySource)
}

// remedy returns what to do if Raff refuses a request. It blames the arguments only if
// different arguments could help.
func (s spec) remedy() string {
	text := "If Raff's message is about an argument, correct that and call " + s.name + " again; if not, different arguments do not help: tell the user what Raff says."
	if s.effect == deletes || s.effect == replaces {
		text = "Different arguments do not help: tell the user what Raff says."
	}
	if s.refuses != "" {
		text = s.refuses + " " + text
	}
	return text
}

// explainOutcome describes a creation whose response was lost.
func explainOutcome(s spec, lost *raffclient.OutcomeError) string {
	why, name := reason(lost.Cause), quoted(lost.Name)
	switch {
	case s.effect == replaces:
		return explainRegeneration(s, lost, why)
	case len(lost.Found) == 0 && lost.LookupErr != nil:
		return fmt.Sprintf("It is not known whether the %s %s was made: %s, and checking it failed too: %s. "+
			"Do not call %s again yet: look for it first, or ask the user to look in the Raff dashboard.%s",
			lost.Resource, name, why, reason(lost.LookupErr), s.name, ifSecret(s, " If the key is there, its secret is lost, and regenerate_api_key gives a working one; if not, call again."))
	case len(lost.Found) == 0:
		return fmt.Sprintf("No %s was made, as far as can be seen: %s, and none named %s has appeared in the account since. It is safe to call %s again.%s", lost.Resource, why, name, s.name,
			ifSecret(s, " If list_api_keys then shows two of that name, the one that is never used can be revoked."))
	case s.sensitive == "" && (len(lost.Found) > 1 || !lost.Found[0].Confirmed && !lost.Found[0].Recent):
		return fmt.Sprintf("The %s may have been made: %s. It may be one of these: %s. Make sure of it before you call %s again.", lost.Resource, why, describeCandidates(lost), s.name)
	case s.sensitive == "":
		return fmt.Sprintf("The %s was made, although %s: %s. Do not call %s again for it.", lost.Resource, why, describeCandidates(lost), s.name)
	case len(lost.Found) == 1 && (lost.Found[0].Confirmed || lost.Found[0].Recent):
		m := lost.Found[0]
		return fmt.Sprintf("A key was made, but its secret is lost: %s. The key is %s, ID %s, prefix %s. "+
			"Do not call %s again for it: ask the user whether to regenerate it (regenerate_api_key), which gives a working secret, or to revoke it (revoke_api_key), after which it is safe to try again. "+
			"If somebody else has just made a key of that name, this may be theirs.",
			why, quoted(cmp.Or(m.Name, lost.Name)), idText(m.ID), prefixText(m.Prefix), s.name)
	}
	return fmt.Sprintf("A key may have been made, but its secret is lost: %s. It may be one of these keys, which others may have made or may be using: %s. "+
		"Do not call %s again yet: ask the user which of them nobody else made; regenerate_api_key gives that one a working secret, and revoke_api_key removes it.",
		why, describeCandidates(lost), s.name)
}

// explainRegeneration describes a regeneration whose response was lost.
func explainRegeneration(s spec, lost *raffclient.OutcomeError, why string) string {
	name := quoted(lost.Name)
	switch {
	case len(lost.Found) > 0:
		return fmt.Sprintf("The key %s was regenerated, but its new secret is lost: %s. The old secret no longer works, and nobody has the new one (prefix %s): call %s again to get a working one.", name, why, prefixText(lost.Found[0].Prefix), s.name)
	case lost.LookupErr != nil:
		return fmt.Sprintf("It is not known whether the key %s was regenerated: %s, and checking it failed too: %s. If its prefix has changed (get_api_key), the old secret no longer works and calling %s again gives a working one; if not, the old one still works.", name, why, reason(lost.LookupErr), s.name)
	}
	return fmt.Sprintf("The key %s was not regenerated: %s, and its prefix has not changed. The old secret still works; it is safe to call %s again.", name, why, s.name)
}

// ifSecret returns text if the tool returns a secret, or else "".
func ifSecret(s spec, text string) string {
	if s.sensitive == "" {
		return ""
	}
	return text
}

// maxDescribed is the maximum number of candidates in an error.
const maxDescribed = 3

// describeCandidates returns a list of what a lost request may have created.
func describeCandidates(lost *raffclient.OutcomeError) string {
	var list []string
	for _, m := range lost.Found[:min(len(lost.Found), maxDescribed)] {
		text := fmt.Sprintf("%s, ID %s", quoteAtMost(cmp.Or(m.Name, lost.Name), maxShort), idText(m.ID))
		if raffclient.IsKeyPrefix(m.Prefix) {
			text += ", prefix " + m.Prefix
		}
		if at, ok := m.CreatedAt.Time(); ok {
			text += ", created at " + at.Format(time.RFC3339)
		}
		if at, ok := m.LastUsedAt.Time(); ok {
			text += ", last used at " + at.Format(time.RFC3339)
		}
		list = append(list, text)
	}
	if more := len(lost.Found) - maxDescribed; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, "; ")
}

// retryIn returns when to call again, such as "in 5s".
func retryIn(d time.Duration) string {
	if d < time.Minute {
		d = max(d, 5*time.Second)
	}
	return "in " + d.Round(time.Second).String()
}
