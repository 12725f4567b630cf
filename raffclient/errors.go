package raffclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The kinds of an *Error, for errors.Is.
var (
	ErrInvalid         = errors.New("invalid request")             // 400 and other 4xx
	ErrUnauthorized    = errors.New("API key not accepted")        // 401
	ErrNoKey           = errors.New("no usable API key")           // nothing was sent: Config.ReadKey failed, with the error that Unwrap returns
	ErrForbidden       = errors.New("not permitted")               // 403
	ErrBilling         = errors.New("refused because of billing")  // 402, and 403 for a billing reason
	ErrNotFound        = errors.New("not found")                   // 404
	ErrNoEndpoint      = errors.New("no such endpoint")            // 404 for a request without an ID; errors.Is also matches ErrNotFound
	ErrConflict        = errors.New("conflict")                    // 409, 412
	ErrRateLimited     = errors.New("rate limited")                // 429 until the call had to end
	ErrUnavailable     = errors.New("API failed")                  // 5xx
	ErrProjectRequired = errors.New("X-Project-ID required")       // 400; see Config.ProjectID
	ErrRedirected      = errors.New("redirect refused")            // 3xx: the key must not reach another host
	ErrBadResponse     = errors.New("response not understood")     // 2xx that differs from the documentation
	ErrUnreachable     = errors.New("API not reached")             // no connection: nothing was sent
	ErrNoResponse      = errors.New("no response")                 // sent, but the response was lost
	ErrNotSent         = errors.New("not sent")                    // cancelled before it was sent
	ErrOutcomeUnknown  = errors.New("outcome of creation unknown") // see OutcomeError
	ErrNotConfirmed    = errors.New("not confirmed to be the key") // see RevokeCreatedAPIKey
	ErrListIncomplete  = errors.New("list incomplete")             // the API's pages are inconsistent
)

// Error describes a call that failed. It never contains headers, keys or bodies;
// the texts of the API that it quotes are short and contain no credentials.
type Error struct {
	// Status is the HTTP status, or 0 if there was no response.
	Status int
	// Title and Message are the "error" and "message" of the API's response. If it
	// has neither, Message is a text of the client, or empty.
	Title, Message string
	// Reason is the API's reason for a billing problem: "banned", "failed" or
	// "no_billing_customer"; or empty.
	Reason string
	// RetryAfter is how long the API asks to wait, or 0 if it does not.
	RetryAfter time.Duration
	// Reread says, for ErrUnauthorized, what Config.ReadKey returned after that.
	Reread Reread

	kind            error
	cause           error
	ambiguous       bool // the request may have been processed
	reportedFailure bool // a 2xx response says "success": false
}

// Error returns a description on one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.kind.Error())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d %s)", e.Status, http.StatusText(e.Status))
	}
	for _, text := range []string{e.Title, e.Message, e.Reason} {
		if text != "" && !strings.EqualFold(text, http.StatusText(e.Status)) {
			b.WriteString(": " + text)
		}
	}
	return b.String()
}

// MayHaveSucceeded reports whether the request may have taken effect although the
// call failed.
func (e *Error) MayHaveSucceeded() bool { return e.ambiguous }

// Is reports whether target is the kind of e.
func (e *Error) Is(target error) bool {
	return e.kind == target || e.kind == ErrNoEndpoint && target == ErrNotFound
}

// Unwrap returns the error of the context that ended the call, or the error of
// Config.ReadKey. It is nil if there is neither.
func (e *Error) Unwrap() error { return e.cause }

func mayHaveSucceeded(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.ambiguous
}

// reportedFailure reports whether err is a response that says "success": false.
func reportedFailure(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.reportedFailure
}

// statusError returns the error that the status of res stands for, or nil if it is
// 2xx.
func (c *Client) statusError(res *response) *Error {
	if res.status >= 200 && res.status < 300 {
		return nil
	}
	e := c.errorFromBody(res)
	e.RetryAfter = retryAfter(res.header)
	switch {
	case res.status >= 300 && res.status < 400:
		e.kind = ErrRedirected
		e.Title, e.Message = "", "to "+c.redirectHost(res.header.Get("Location"))
		// Only these two ask for the same request at another URL.
		e.ambiguous = res.status != http.StatusTemporaryRedirect && res.status != http.StatusPermanentRedirect
	case res.status == http.StatusUnauthorized:
		e.kind = ErrUnauthorized
	case res.status == http.StatusPaymentRequired, res.status == http.StatusForbidden && e.aboutBilling():
		e.kind = ErrBilling
	case res.status == http.StatusForbidden:
		e.kind = ErrForbidden
	case res.status == http.StatusNotFound:
		e.kind = ErrNotFound
	case res.status == http.StatusConflict, res.status == http.StatusPreconditionFailed:
		e.kind = ErrConflict
	case res.status == http.StatusTooManyRequests:
		e.kind = ErrRateLimited
	case res.status == http.StatusRequestTimeout, res.status == 499, res.status >= 500, res.status < 200:
		e.kind, e.ambiguous = ErrUnavailable, true
	case res.status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "x-project-id required"):
		e.kind = ErrProjectRequired
	default:
		e.kind = ErrInvalid
	}
	return e
}

// aboutBilling reports whether a 403 is about billing: its title says so, or its
// reason is one that is documented for billing.
func (e *Error) aboutBilling() bool {
	title := strings.ToLower(e.Title)
	return strings.Contains(title, "billing") || strings.Contains(title, "payment") ||
		slices.Contains([]string{"banned", "failed", "no_billing_customer"}, e.Reason)
}

// errorFromBody returns an Error with the texts of the API's error body,
// {"error", "message", "reason"}. Each of them may be missing, and the API's
// quickstart shows the reason inside of message.
func (c *Client) errorFromBody(res *response) *Error {
	e := &Error{Status: res.status}
	if res.readErr != nil {
		return e
	}
	type text struct {
		Error   string `json:"error"`
		Message string `json:"message"`
		Reason  string `json:"reason"`
	}
	body, _, err := unmarshalObject[text](res.body)
	if err != nil {
		return e
	}
	nested, _, _ := unmarshalObject[struct {
		Error   text `json:"error"`
		Message text `json:"message"`
	}](res.body)
	first := func(texts ...string) string { return c.Sanitize(cmp.Or(texts...)) }
	e.Title = first(body.Error, nested.Error.Error, nested.Message.Error)
	e.Message = first(withoutRPC(body.Message), withoutRPC(nested.Message.Message), withoutRPC(nested.Error.Message))
	e.Reason = first(body.Reason, nested.Message.Reason, nested.Error.Reason)
	return e
}

// withoutRPC returns s without the gRPC status with which the API's gateway sometimes
// prefixes a message.
func withoutRPC(s string) string {
	if rest, ok := strings.CutPrefix(s, "rpc error: code = "); ok {
		if _, desc, ok := strings.Cut(rest, " desc = "); ok {
			return desc
		}
	}
	return s
}

// redirectHost returns the host of a Location header, and nothing else of it.
func (c *Client) redirectHost(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another place"
	}
	return c.Sanitize(u.Host)
}

// badResponse returns the error of a response that cannot be decoded.
func (c *Client) badResponse(res *response) *Error {
	e := &Error{Status: res.status, kind: ErrBadResponse, ambiguous: true}
	var syntax *json.SyntaxError
	switch {
	case res.truncated():
		e.kind, e.Message = ErrNoResponse, "the response was truncated"
	case res.readErr == errTooLong:
		e.Message = "it is too long"
	case len(bytes.TrimSpace(res.body)) == 0:
		e.Message = "it is empty"
	case errors.As(res.readErr, &syntax):
		e.Message = "it is not JSON"
	default:
		e.Message = "it does not have the documented form"
	}
	return e
}

// unsuccessful returns the error of a 2xx response that says "success": false.
func (c *Client) unsuccessful(res *response) *Error {
	e := c.errorFromBody(res)
	e.kind, e.ambiguous, e.reportedFailure = ErrBadResponse, true, true
	if e.Message == "" {
		e.Message = "it says that the request was not successful"
	}
	return e
}
