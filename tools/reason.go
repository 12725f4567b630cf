package tools

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// reasons are clauses that describe the kinds of errors of the API; %s is the API's message.
// explainError says what to do about them.
var reasons = []struct {
	kind   error
	clause string
}{
	{raffclient.ErrBilling, "Raff refused because of the account's billing%s"},
	{raffclient.ErrForbidden, "the server's API key lacks a permission%s"},
	{raffclient.ErrUnauthorized, "the server's API key was rejected%s"},
	{raffclient.ErrNoKey, "the server has no usable API key%s"},
	{raffclient.ErrNotFound, "Raff did not find it%s"},
	{raffclient.ErrRateLimited, "Raff's rate limit is exhausted%s"},
	{raffclient.ErrUnavailable, "Raff's API failed%s"},
	{raffclient.ErrUnreachable, "Raff's API could not be reached%s"},
	{raffclient.ErrNoResponse, "the response of Raff's API was lost%s"},
	{raffclient.ErrBadResponse, "the response of Raff's API could not be used%s"},
	{raffclient.ErrRedirected, "Raff's API responded with a redirect%s, which was refused"},
	{raffclient.ErrListIncomplete, "Raff's list is inconsistent%s"},
}

// reason returns the reason for an error as a clause, with the API's message in quotes.
func reason(err error) string {
	e, ok := errors.AsType[*raffclient.Error](err)
	if !ok {
		return oneLine(err.Error())
	}
	for _, r := range reasons {
		if errors.Is(e, r.kind) {
			return fmt.Sprintf(r.clause, apiMessage(e))
		}
	}
	return "Raff refused the request" + apiMessage(e)
}

// apiMessage returns the API's message, quoted, and the status, in parentheses.
func apiMessage(e *raffclient.Error) string {
	message := cmp.Or(e.Message, e.Title)
	switch {
	case message == "" && e.Status == 0:
		return ""
	case message == "":
		return fmt.Sprintf(" (HTTP %d)", e.Status)
	case e.Status == 0:
		return " (" + quoteAtMost(message, maxMessage) + ")"
	}
	return fmt.Sprintf(" (HTTP %d: %s)", e.Status, quoteAtMost(message, maxMessage))
}
