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

// The texts below are read by a model and by a person at a shell: two sentences, what
// happened and what to do, in words that suit both. They blame the arguments only if
// different arguments would help.

// explain describes an error of a tool: what happened, and what to do next.
func (d *deps) explain(s spec, err error) string {
	if faults, ok := errors.AsType[schema.Faults](err); ok {
		return fmt.Sprintf("The arguments are invalid, and nothing was sent: %v. Correct them and call %s again.", faults, s.name)
	}
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		return explainOutcome(s, lost)
	}
	for _, target := range []any{new(mismatch), new(refusal), new(declined)} {
		if errors.As(err, target) {
			return err.Error()
		}
	}
	lookup, isLookup := errors.AsType[permissionError](err)
	if isLookup {
		s.permission = lookup.permission
	}
	if notReady, ok := errors.AsType[*delivery.NotReadyError](err); ok {
		return d.explainNotReady(s, notReady)
	}
	if undelivered, ok := errors.AsType[*undeliveredError](err); ok {
		return explainUndelivered(s, undelivered)
	}
	failed, ok := errors.AsType[*raffclient.Error](err)
	if !ok {
		return fmt.Sprintf("%s failed: %s. Check the account's current state before you call it again.", s.name, reason(err))
	}
	if s.mayHaveChanged(err, failed) {
		return "It is unknown whether this was done; repeating it does no harm. " + d.explainError(s, failed)
	}
	return s.effect.noChange() + " " + d.explainError(s, failed)
}

// apiAddress names the API's address in a text, with the settings that it comes from.
const apiAddress = "the API's address (--api-url or RAFF_API_URL)"

// explainError describes an error of the API. It uses the clause of reason, except where
// the request as a whole needs other words.
func (d *deps) explainError(s spec, err *raffclient.Error) string {
	what := capitalized(reason(err))
	switch {
	case errors.Is(err, raffclient.ErrBilling):
		if err.Reason != "" {
			what += ", with the reason " + quoteAtMost(err.Reason, maxShort)
		}
		return what + ". Fix the billing in the Raff dashboard, then call again. Different arguments do not help."
	case errors.Is(err, raffclient.ErrUnauthorized):
		return d.explainUnauthorized(err)
	case errors.Is(err, raffclient.ErrForbidden) && s.permission.name == "":
		return "Raff did not permit this" + apiMessage(err) + ". Run the server with an API key whose role permits it."
	case errors.Is(err, raffclient.ErrForbidden):
		return fmt.Sprintf("The server's API key lacks a permission, most likely %s%s. By default it is held by %s: run the server with a key that has it.", s.permission.name, apiMessage(err), s.permission.holders)
	case errors.Is(err, raffclient.ErrProjectRequired):
		return "Raff requires a project for this request" + apiMessage(err) + ". Set RAFF_PROJECT_ID to the ID of a project of the account, then restart the server."
	case errors.Is(err, raffclient.ErrNoEndpoint):
		return "Raff's API was not found" + apiMessage(err) + ", so " + apiAddress + " is probably wrong. Correct it, then restart the server. Different arguments do not help."
	case errors.Is(err, raffclient.ErrNotFound):
		return "Raff did not find what the request refers to" + apiMessage(err) + ". Compare the IDs in the arguments with the lists: what they identify may have been deleted, or the server's key may have no access to it."
	case errors.Is(err, raffclient.ErrConflict):
		return "The request conflicts with the current state of the account" + apiMessage(err) + ". " + s.remedy()
	case errors.Is(err, raffclient.ErrInvalid):
		return what + ". " + s.remedy()
	case errors.Is(err, raffclient.ErrRateLimited):
		return "Raff's rate limit for this API key was exhausted for longer than a call may wait" + apiMessage(err) + ". Call again " + retryIn(err.RetryAfter) + "; other programs may be using the same key."
	case errors.Is(err, raffclient.ErrUnavailable):
		return what + ". Call again " + retryIn(err.RetryAfter) + "; if it fails again, check whether Raff reports an outage."
	case errors.Is(err, raffclient.ErrUnreachable):
		return what + ". Check the network, the proxy and " + apiAddress + ", then call again."
	case errors.Is(err, raffclient.ErrNoResponse):
		return "Raff's API did not respond" + apiMessage(err) + ". Call again in a minute."
	case errors.Is(err, raffclient.ErrRedirected):
		return what + ", because the API key would have been sent there. Correct " + apiAddress + ", then restart the server."
	case errors.Is(err, raffclient.ErrBadResponse):
		return what + ". Check " + apiAddress + " and the proxy: something other than Raff's API may be responding."
	case errors.Is(err, raffclient.ErrListIncomplete):
		return what + ", so it may be incomplete. Call again; if that does not help, look in the Raff dashboard."
	case errors.Is(err, raffclient.ErrNotSent):
		return "The call was cancelled before anything was sent. Call again if it is still needed."
	}
	return "It failed: " + reason(err) + ". Check the account's current state before you call " + s.name + " again."
}

// explainUnauthorized describes the rejection of the server's key, and says where the key
// comes from.
func (d *deps) explainUnauthorized(err *raffclient.Error) string {
	what := capitalized(reason(err))
	if d.sandbox {
		return what + ": since the server started, it has expired or was revoked, regenerated or deactivated. Restart the server, which creates a new sandbox with a key that works; until then, calling again does not help."
	}
	source := d.keySource()
	text := fmt.Sprintf("%s: it is mistyped, expired, inactive or revoked. It comes from %s", what, source.Name)
	switch {
	case source.Fixed:
		return text + ": replace it there, then restart the server; until then, calling again does not help."
	case err.Reread == raffclient.RereadSame:
		text += ", which was read again and still contains the same key"
	case err.Reread == raffclient.RereadAnother:
		text += ", which was read again and contained another key, which was rejected too"
	case err.Reread == raffclient.RereadFailed:
		return text + ", which could not be read again. " + sentence(err.Unwrap()) + " Then call again; the server needs no restart."
	}
	return text + ": replace it there, then call again; the server needs no restart."
}

// explainNoKey says why there is no usable key, and what to do about it. The texts are those
// of raffclient.Config.ReadKey.
func (d *deps) explainNoKey(err error) string {
	failed, ok := errors.AsType[*raffclient.Error](err)
	if !ok || !errors.Is(err, raffclient.ErrNoKey) {
		return "The call was cancelled before anything was sent. Call again if it is still needed."
	}
	return failed.Unwrap().Error()
}

// sentence returns the text of err, which ends with a full stop.
func sentence(err error) string {
	text := capitalized(oneLine(err.Error()))
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// remedy returns what to do if Raff refuses a request. It blames the arguments only if
// different arguments could help.
func (s spec) remedy() string {
	text := "If Raff's message is about an argument, correct that and call " + s.name + " again; otherwise different arguments do not help: resolve what Raff reports first."
	if s.effect == deletes || s.effect == replaces {
		text = "Different arguments do not help: resolve what Raff reports first."
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
		return fmt.Sprintf("It is unknown whether the %s %s was created: %s, and checking failed too: %s. "+
			"Before you call %s again, look for it with the list tools or in the Raff dashboard.%s",
			lost.Resource, name, why, reason(lost.LookupErr), s.name, ifSecret(s, " If the key exists, nobody has its secret: regenerate_api_key returns a new one."))
	case len(lost.Found) == 0:
		return fmt.Sprintf("No %s was created, as far as Raff's list shows: %s, and none named %s has appeared in the account since. It is safe to call %s again.%s", lost.Resource, why, name, s.name,
			ifSecret(s, " If list_api_keys then shows two keys of that name, the one that is never used can be revoked."))
	case s.sensitive == "" && (len(lost.Found) > 1 || !lost.Found[0].Confirmed && !lost.Found[0].Recent):
		return fmt.Sprintf("The %s may have been created: %s. Check whether it is one of these before you call %s again: %s.", lost.Resource, why, s.name, describeCandidates(lost))
	case s.sensitive == "":
		return fmt.Sprintf("The %s was created, although %s: %s. Do not call %s again for it.", lost.Resource, why, describeCandidates(lost), s.name)
	case len(lost.Found) == 1 && (lost.Found[0].Confirmed || lost.Found[0].Recent):
		m := lost.Found[0]
		return fmt.Sprintf("A key was created, but its secret is lost: %s. The key is %s, ID %s, prefix %s; if somebody else has just created a key of that name, it may be theirs. "+
			"Do not call %s again for it: the user decides whether it is regenerated (regenerate_api_key), which returns a new secret, or revoked (revoke_api_key) before the next call.",
			why, quoted(cmp.Or(m.Name, lost.Name)), idText(m.ID), prefixText(m.Prefix), s.name)
	}
	return fmt.Sprintf("A key may have been created, but its secret is lost: %s. It may be one of these keys, which others may have created or may be using: %s. "+
		"Do not call %s again before it is clear which of them nobody else created: regenerate_api_key returns a new secret for that one, and revoke_api_key removes it.",
		why, describeCandidates(lost), s.name)
}

// explainRegeneration describes a regeneration whose response was lost.
func explainRegeneration(s spec, lost *raffclient.OutcomeError, why string) string {
	name := quoted(lost.Name)
	switch {
	case len(lost.Found) > 0:
		return fmt.Sprintf("The key %s was regenerated, but its new secret is lost: %s. The old secret no longer works, and nobody has the new one (prefix %s): call %s again to get a new one.", name, why, prefixText(lost.Found[0].Prefix), s.name)
	case lost.LookupErr != nil:
		return fmt.Sprintf("It is unknown whether the key %s was regenerated: %s, and checking failed too: %s. If its prefix has changed (get_api_key), the old secret no longer works, and calling %s again returns a new one; otherwise the old one still works.", name, why, reason(lost.LookupErr), s.name)
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
