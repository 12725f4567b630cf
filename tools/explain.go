package tools

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/handover"
)

// explain words an error of a tool for a model: what happened, and what to do
// next.
func explain(s spec, err error) string {
	if faults, ok := errors.AsType[schema.Faults](err); ok {
		return fmt.Sprintf("The arguments are wrong and nothing was sent: %v. Correct them and call %s again.", faults, s.name)
	}
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		return explainOutcome(s, lost)
	}
	for _, own := range []any{new(mismatch), new(refusal)} {
		if errors.As(err, own) {
			return err.Error()
		}
	}
	if l, ok := errors.AsType[lacking](err); ok {
		s.permission, s.holders = l.permission, l.holders
	}
	if e, ok := errors.AsType[*handover.NotReadyError](err); ok {
		return explainNotReady(s, e)
	}
	if e, ok := errors.AsType[*undeliveredError](err); ok {
		return explainUndelivered(s, e)
	}
	e, ok := errors.AsType[*raffclient.Error](err)
	if !ok {
		return fmt.Sprintf("%s failed: %v. Look at the account's present state before calling it again.", s.name, err)
	}
	_, looking := errors.AsType[lacking](err)
	if e.MayHaveHappened() && !looking && (s.effect == updates || s.effect == deletes) {
		return "It is not known whether that was done; doing it again does no harm. " + explainError(s, e)
	}
	return s.effect.nothing() + " " + explainError(s, e)
}

func explainError(s spec, e *raffclient.Error) string {
	switch {
	case errors.Is(e, raffclient.ErrUnauthorized):
		return "Raff did not accept the API key that this server runs with" + said(e) + ". It is mistyped, expired, inactive or revoked: ask the user to put a working key into RAFF_API_KEY and to restart the server; calling again before that will not help."
	case errors.Is(e, raffclient.ErrForbidden) && e.Reason != "":
		return "Raff refused because of the account's billing (" + e.Reason + ")" + said(e) + ". Ask the user to settle that in the Raff dashboard, then call again."
	case errors.Is(e, raffclient.ErrForbidden) && s.permission == "":
		return "Raff did not permit it" + said(e) + ". Ask the user to look at the rights of the API key that the server runs with."
	case errors.Is(e, raffclient.ErrForbidden):
		return fmt.Sprintf("The API key that this server runs with lacks a permission, most likely %s%s. By default it is held by %s: ask the user to run the server with a key that has it.", s.permission, said(e), s.holders)
	case errors.Is(e, raffclient.ErrProjectRequired):
		return "Raff asks for a project with this request" + said(e) + ". Ask the user to set RAFF_PROJECT_ID to the ID of a project of the account and to restart the server."
	case errors.Is(e, raffclient.ErrNotFound):
		return "Raff did not find what the request refers to" + said(e) + ". Check the IDs in the arguments against the lists; they may be gone, or out of reach of the server's key."
	case errors.Is(e, raffclient.ErrConflict):
		return "Raff says that the request conflicts with the account's present state" + said(e) + ". Change the arguments accordingly, or ask the user."
	case errors.Is(e, raffclient.ErrInvalid):
		return "Raff refused the request as invalid" + said(e) + ". Correct the arguments and call " + s.name + " again."
	case errors.Is(e, raffclient.ErrRateLimited):
		return "Raff's rate limit for this API key was exhausted for longer than the call may wait" + said(e) + ". Call again " + later(e.RetryAfter) + "; other programs may be using the same key."
	case errors.Is(e, raffclient.ErrUnavailable):
		return "Raff's API failed" + said(e) + ". Call again " + later(e.RetryAfter) + "; if it goes on, ask the user to look at Raff's status."
	case errors.Is(e, raffclient.ErrUnreachable):
		return "Raff's API could not be reached: " + e.Message + ". Ask the user to check the network, the proxy and RAFF_API_URL, then call again."
	case errors.Is(e, raffclient.ErrNoAnswer):
		return "Raff's API did not answer: " + e.Message + ". Call again in a minute."
	case errors.Is(e, raffclient.ErrRedirected):
		return "Raff's API answered with a redirect " + e.Message + ", which was refused, because the API key would have been sent there. Ask the user to check RAFF_API_URL."
	case errors.Is(e, raffclient.ErrBadAnswer):
		return "Raff's API answered something that is not understood: " + e.Message + ". Ask the user to check RAFF_API_URL and the proxy: something else than the API may be answering."
	case errors.Is(e, raffclient.ErrListIncomplete):
		return "Raff's list does not add up (" + e.Message + "), so it cannot be relied on to be whole. Call again; if it goes on, ask the user to look in the Raff dashboard."
	case errors.Is(e, raffclient.ErrNotSent):
		return "The call was given up before anything was sent. Call again if it is still wanted."
	}
	return "It failed: " + e.Error() + ". Look at the account's present state before calling " + s.name + " again."
}

// lacking is an error of a request that needs another permission than the tool.
type lacking struct {
	error
	permission, holders string
}

func (l lacking) Unwrap() error { return l.error }

// toLook marks an error of looking at something before it is touched.
func toLook(err error, permission, holders string) error {
	if err == nil {
		return nil
	}
	return lacking{err, permission, holders}
}

// explainOutcome words what became of a creation whose answer was lost.
func explainOutcome(s spec, lost *raffclient.OutcomeError) string {
	why := strings.TrimSuffix(lostBecause(lost.Cause), ".")
	switch {
	case s.effect == replaces:
		return explainRegeneration(s, lost, why)
	case len(lost.Found) == 0 && lost.LookupErr != nil:
		return fmt.Sprintf("It is not known whether the %s %q was made: %s, and looking it up failed too (%v). "+
			"Do not call %s again yet: look for it first, or ask the user to look in the Raff dashboard.%s",
			lost.Resource, lost.Name, why, lost.LookupErr, s.name, ifSecret(s, " If the key is there, its secret is lost, and regenerate_api_key gives a working one; if not, call again."))
	case len(lost.Found) == 0:
		return fmt.Sprintf("No %s was made, as far as can be seen: %s, and none named %q has appeared in the account since. It is safe to call %s again.%s", lost.Resource, why, lost.Name, s.name,
			ifSecret(s, " If list_api_keys then shows two of that name, the one that is never used can be revoked."))
	case s.sensitive == "" && (len(lost.Found) > 1 || !lost.Found[0].Sure && !lost.Found[0].New):
		return fmt.Sprintf("The %s may have been made: %s. It may be one of these: %s. Make sure of it before you call %s again.", lost.Resource, why, describe(lost), s.name)
	case s.sensitive == "":
		return fmt.Sprintf("The %s was made, though %s: %s. Do not call %s again for it.", lost.Resource, why, describe(lost), s.name)
	case len(lost.Found) == 1 && (lost.Found[0].Sure || lost.Found[0].New):
		m := lost.Found[0]
		return fmt.Sprintf("A key was made, but its secret is lost: %s. The key is %q, ID %s, prefix %s. "+
			"Do not call %s again for it: ask the user whether to regenerate it (regenerate_api_key), which gives a working secret, or to revoke it (revoke_api_key), after which it is safe to try again. "+
			"If somebody else has just made a key of that name, this may be theirs.",
			why, cmp.Or(m.Name, lost.Name), orNone(m.ID), orNone(m.Prefix), s.name)
	}
	return fmt.Sprintf("A key may have been made, but its secret is lost: %s. Of the keys of that name it may be one of these, which others may have made or may be using: %s. "+
		"Do not call %s again yet: ask the user which of them nobody else made; regenerate_api_key gives that one a working secret, and revoke_api_key removes it.",
		why, describe(lost), s.name)
}

func explainRegeneration(s spec, lost *raffclient.OutcomeError, why string) string {
	switch {
	case len(lost.Found) > 0:
		return fmt.Sprintf("The key %q was regenerated, but its new secret is lost: %s. The old secret is void, and nobody has the new one (prefix %s): call %s again to get a working one.", lost.Name, why, orNone(lost.Found[0].Prefix), s.name)
	case lost.LookupErr != nil:
		return fmt.Sprintf("It is not known whether the key %q was regenerated: %s, and looking at it failed too (%v). If its prefix has changed (get_api_key), the old secret is void and calling %s again gives a working one; if not, the old one still works.", lost.Name, why, lost.LookupErr, s.name)
	}
	return fmt.Sprintf("The key %q was not regenerated: %s, and its prefix has not changed. The old secret still works; it is safe to call %s again.", lost.Name, why, s.name)
}

func ifSecret(s spec, text string) string {
	if s.sensitive == "" {
		return ""
	}
	return text
}

// describe lists what was found.
func describe(lost *raffclient.OutcomeError) string {
	var list []string
	for _, m := range lost.Found {
		text := fmt.Sprintf("%q, ID %s", cmp.Or(m.Name, lost.Name), orNone(m.ID))
		if m.Prefix != "" {
			text += ", prefix " + m.Prefix
		}
		if m.CreatedAt != "" {
			text += ", created at " + string(m.CreatedAt)
		}
		if m.LastUsedAt != "" {
			text += ", last used at " + string(m.LastUsedAt)
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

func lostBecause(cause error) string {
	e, ok := errors.AsType[*raffclient.Error](cause)
	switch {
	case ok && errors.Is(e, raffclient.ErrUnavailable):
		return "Raff's API failed while making it" + said(e)
	case ok && errors.Is(e, raffclient.ErrNoAnswer):
		return "the answer of Raff's API was lost (" + e.Message + ")"
	case ok && errors.Is(e, raffclient.ErrBadAnswer):
		return "the answer of Raff's API could not be used (" + e.Message + ")"
	case ok && errors.Is(e, raffclient.ErrRedirected):
		return "Raff's API answered with a redirect " + e.Message + ", which was refused"
	}
	return cause.Error()
}

// said quotes the API's own words, if it used any.
func said(e *raffclient.Error) string {
	words := e.Message
	if words == "" {
		words = e.Title
	}
	switch {
	case words == "" && e.Status == 0:
		return ""
	case words == "":
		return fmt.Sprintf(" (HTTP %d)", e.Status)
	case e.Status == 0:
		return fmt.Sprintf(" (%s)", words)
	}
	return fmt.Sprintf(" (HTTP %d: %q)", e.Status, words)
}

func later(d time.Duration) string {
	if d < time.Minute {
		d = max(d, 5*time.Second)
	}
	return "in " + d.Round(time.Second).String()
}
