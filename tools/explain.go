package tools

import (
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
	return s.effect.nothing() + " " + explainError(s, e)
}

func explainError(s spec, e *raffclient.Error) string {
	switch {
	case errors.Is(e, raffclient.ErrUnauthorized):
		return "Raff did not accept the API key that this server runs with" + said(e) + ". It is mistyped, expired, inactive or revoked: ask the user to put a working key into RAFF_API_KEY and to restart the server; calling again before that will not help."
	case errors.Is(e, raffclient.ErrForbidden) && e.Reason != "":
		return "Raff refused because of the account's billing (" + e.Reason + ")" + said(e) + ". Ask the user to settle that in the Raff dashboard, then call again."
	case errors.Is(e, raffclient.ErrForbidden):
		return fmt.Sprintf("The API key that this server runs with lacks a permission, most likely %s%s. By default %s have it: ask the user to run the server with such a key.", s.permission, said(e), s.holders)
	case errors.Is(e, raffclient.ErrProjectRequired):
		return "Raff asks for a project with this request" + said(e) + ". Ask the user to set RAFF_PROJECT_ID to the ID of a project of the account and to restart the server."
	case errors.Is(e, raffclient.ErrNotFound):
		return "Raff did not find what the request refers to" + said(e) + ". Check the IDs in the arguments, and that they belong to this account."
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
	case errors.Is(e, raffclient.ErrNotSent):
		return "The call was given up before anything was sent. Call again if it is still wanted."
	}
	return "It failed: " + e.Error() + ". Look at the account's present state before calling " + s.name + " again."
}

// explainOutcome words what became of a creation whose answer was lost.
func explainOutcome(s spec, lost *raffclient.OutcomeError) string {
	why := strings.TrimSuffix(lostBecause(lost.Cause), ".")
	switch {
	case len(lost.Keys) == 0 && lost.LookupErr != nil:
		return fmt.Sprintf("It is not known whether a key named %q was made: %s, and looking it up failed too (%v). "+
			"Do not call %s again yet: ask the user to look for that name among the API keys in the Raff dashboard. If it is there, its secret is lost, and regenerating it gives a working one; if not, call again.",
			lost.Name, why, lost.LookupErr, s.name)
	case len(lost.Keys) == 0:
		return fmt.Sprintf("No key was made: %s, and no key named %q has appeared in the account since. It is safe to call %s again.", why, lost.Name, s.name)
	case len(lost.Keys) == 1:
		k := lost.Keys[0]
		return fmt.Sprintf("A key was made, but its secret is lost: %s. The key is %q, ID %s, prefix %s. "+
			"Do not call %s again for it: ask the user either to regenerate this key (raff api-key regenerate %s, or the dashboard), which gives a working secret, or to revoke it (raff api-key revoke %s); after revoking it, it is safe to try again. If somebody else has just made a key of that name, this may be theirs.",
			why, orElse(k.Name, lost.Name), k.ID, orNone(k.KeyPrefix), s.name, k.ID, k.ID)
	}
	var list []string
	for _, k := range lost.Keys {
		list = append(list, fmt.Sprintf("ID %s, prefix %s, created at %s", k.ID, orNone(k.KeyPrefix), orNone(string(k.CreatedAt))))
	}
	return fmt.Sprintf("A key may have been made, but its secret is lost: %s. Since then %d keys named %q have appeared (%s), and others may have made some of them. "+
		"Do not call %s again yet: ask the user which of them nobody else made; regenerating that one gives a working secret, and revoking it removes it.",
		why, len(list), lost.Name, strings.Join(list, "; "), s.name)
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

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
