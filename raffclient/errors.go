package raffclient

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// What kind of error an *Error is; compare with errors.Is.
var (
	ErrInvalid         = errors.New("invalid request")             // 400 and other 4xx: the API would not take it
	ErrUnauthorized    = errors.New("API key not accepted")        // 401
	ErrForbidden       = errors.New("not permitted")               // 403
	ErrBilling         = errors.New("refused because of billing")  // 402, and 403 for a billing reason
	ErrNotFound        = errors.New("not found")                   // 404
	ErrNoEndpoint      = errors.New("no such endpoint")            // 404 for a request that names nothing by an ID; also ErrNotFound
	ErrConflict        = errors.New("conflict")                    // 409, 412
	ErrRateLimited     = errors.New("rate limited")                // 429 for longer than the call may take
	ErrUnavailable     = errors.New("API failed")                  // 5xx
	ErrProjectRequired = errors.New("X-Project-ID required")       // 400; see Config.ProjectID
	ErrRedirected      = errors.New("redirect refused")            // 3xx: the key is for one host only
	ErrBadResponse     = errors.New("answer not understood")       // 2xx that is not what is documented
	ErrUnreachable     = errors.New("API not reached")             // no connection: nothing was sent
	ErrNoResponse      = errors.New("no answer")                   // sent, but the answer was lost
	ErrNotSent         = errors.New("not sent")                    // cancelled before it was sent
	ErrOutcomeUnknown  = errors.New("outcome of creation unknown") // see OutcomeError
	ErrNotConfirmed    = errors.New("not confirmed to be the key") // see RevokeCreatedAPIKey
	ErrListIncomplete  = errors.New("list incomplete")             // the API's pages do not add up
)

// Error is a request that did not succeed. It never holds headers, keys or
// bodies: what it quotes of the API's words is short and free of credentials.
type Error struct {
	// Status is the HTTP status, 0 if no answer came.
	Status int
	// Title and Message are the API's own words ("error" and "message"), if it
	// used any, or the client's.
	Title, Message string
	// Reason is set by the API when billing stands in the way: "banned",
	// "failed" or "no_billing_customer".
	Reason string
	// RetryAfter is how long the API asked to wait, 0 if it did not.
	RetryAfter time.Duration

	kind            error
	cause           error
	ambiguous       bool // the request may have been processed
	reportedFailure bool // a 2xx answer says "success": false
}

// Error returns what happened, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.kind.Error())
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d %s)", e.Status, http.StatusText(e.Status))
	}
	for _, words := range []string{e.Title, e.Message, e.Reason} {
		if words != "" && !strings.EqualFold(words, http.StatusText(e.Status)) {
			b.WriteString(": " + words)
		}
	}
	return b.String()
}

// MayHaveSucceeded reports whether the request may have been processed all the
// same.
func (e *Error) MayHaveSucceeded() bool { return e.ambiguous }

// Is reports whether target is e's kind.
func (e *Error) Is(target error) bool {
	return e.kind == target || e.kind == ErrNoEndpoint && target == ErrNotFound
}

// Unwrap returns the error of the context that ended the call, if one did.
func (e *Error) Unwrap() error { return e.cause }

// check turns a status outside 2xx into an error.
func (c *Client) check(a *response) *Error {
	if a.status >= 200 && a.status < 300 {
		return nil
	}
	e := c.fromBody(a)
	e.RetryAfter = retryAfter(a.header)
	switch {
	case a.status >= 300 && a.status < 400:
		e.kind = ErrRedirected
		e.Title, e.Message = "", "to "+c.hostOf(a.header.Get("Location"))
		// Only these two say that the request is to be made there instead.
		e.ambiguous = a.status != http.StatusTemporaryRedirect && a.status != http.StatusPermanentRedirect
	case a.status == http.StatusUnauthorized:
		e.kind = ErrUnauthorized
	case a.status == http.StatusPaymentRequired, a.status == http.StatusForbidden && e.aboutBilling():
		e.kind = ErrBilling
	case a.status == http.StatusForbidden:
		e.kind = ErrForbidden
	case a.status == http.StatusNotFound:
		e.kind = ErrNotFound
	case a.status == http.StatusConflict, a.status == http.StatusPreconditionFailed:
		e.kind = ErrConflict
	case a.status == http.StatusTooManyRequests:
		e.kind = ErrRateLimited
	case a.status == http.StatusRequestTimeout, a.status == 499, a.status >= 500, a.status < 200:
		e.kind, e.ambiguous = ErrUnavailable, true
	case a.status == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "x-project-id required"):
		e.kind = ErrProjectRequired
	default:
		e.kind = ErrInvalid
	}
	return e
}

// aboutBilling reports whether a 403 is about billing. Its title says so, or its
// reason is one of those that are documented for billing.
func (e *Error) aboutBilling() bool {
	title := strings.ToLower(e.Title)
	return strings.Contains(title, "billing") || strings.Contains(title, "payment") ||
		slices.Contains([]string{"banned", "failed", "no_billing_customer"}, e.Reason)
}

// fromBody reads the API's error body, {"error", "message", "reason"}, none
// of which has to be there. The API's quickstart has the reason inside message.
func (c *Client) fromBody(a *response) *Error {
	e := &Error{Status: a.status}
	if a.readErr != nil {
		return e
	}
	type text struct {
		Error   string `json:"error"`
		Message string `json:"message"`
		Reason  string `json:"reason"`
	}
	body, _, err := decodeObject[text](a.body)
	if err != nil {
		return e
	}
	nested, _, _ := decodeObject[struct {
		Error   text `json:"error"`
		Message text `json:"message"`
	}](a.body)
	first := func(words ...string) string { return c.Sanitize(cmp.Or(words...)) }
	e.Title = first(body.Error, nested.Error.Error, nested.Message.Error)
	e.Message = first(withoutRPC(body.Message), withoutRPC(nested.Message.Message), withoutRPC(nested.Error.Message))
	e.Reason = first(body.Reason, nested.Message.Reason, nested.Error.Reason)
	return e
}

// withoutRPC takes away what the API's gateway sometimes leaves in front of a
// message.
func withoutRPC(s string) string {
	if rest, ok := strings.CutPrefix(s, "rpc error: code = "); ok {
		if _, desc, ok := strings.Cut(rest, " desc = "); ok {
			return desc
		}
	}
	return s
}

// badResponse is the error of a 2xx answer that cannot be read.
func (c *Client) badResponse(a *response) *Error {
	e := &Error{Status: a.status, kind: ErrBadResponse, ambiguous: true}
	var syntax *json.SyntaxError
	switch {
	case a.truncated():
		e.kind, e.Message = ErrNoResponse, "the answer broke off in the middle"
	case a.readErr == errTooLong:
		e.Message = "it is longer than this program reads"
	case len(bytes.TrimSpace(a.body)) == 0:
		e.Message = "it is empty"
	case errors.As(a.readErr, &syntax):
		e.Message = "it is not JSON"
	default:
		e.Message = "it does not have the documented form"
	}
	return e
}

// unsuccessful is the error of a 2xx answer that says "success": false.
func (c *Client) unsuccessful(a *response) *Error {
	e := c.fromBody(a)
	e.kind, e.ambiguous, e.reportedFailure = ErrBadResponse, true, true
	if e.Message == "" {
		e.Message = "it says that the request was not successful"
	}
	return e
}

// transportError is the error of a request that was not answered. Errors of
// net/http can quote what the server sent, so it is told in our words.
func (c *Client) transportError(err error, sent *tracer) *Error {
	e := &Error{kind: ErrNoResponse, ambiguous: true, Message: c.reason(err, sent)}
	if sent.neverConnected(err) {
		e.kind, e.ambiguous = ErrUnreachable, false
	}
	if ctxErr := contextError(err); ctxErr != nil {
		e.cause = ctxErr
	}
	return e
}

func contextError(err error) error {
	for _, ctxErr := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, ctxErr) {
			return ctxErr
		}
	}
	return nil
}

// failedToConnect recognizes errors that come before anything is written, for
// transports that do not report to httptrace.
func failedToConnect(err error) bool {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return true
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	return isTLS(err)
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	return strings.Contains(err.Error(), "tls: ")
}

func (c *Client) reason(err error, sent *tracer) string {
	timeout, _ := errors.AsType[net.Error](err)
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case isDNS:
		return "the name " + c.Sanitize(dns.Name) + " could not be resolved"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection to " + c.Sanitize(c.base.Host) + " refused"
	case timeout != nil && timeout.Timeout():
		return "timed out"
	case isTLS(err) && sent.neverConnected(err):
		return "no trusted TLS connection to " + c.Sanitize(c.base.Host) + ": " + c.Sanitize(innermost(err))
	case strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "no TLS connection to " + c.Sanitize(c.base.Host) + ": it speaks plain HTTP"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case strings.HasSuffix(err.Error(), "EOF"):
		return "the connection was closed"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return "network error: " + c.Sanitize(op.Error())
	}
	return "the connection broke, or the answer was not HTTP"
}

func innermost(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// hostOf returns the host of a redirect's target, and nothing else of it.
func (c *Client) hostOf(location string) string {
	u, err := url.Parse(location)
	if err != nil || u.Host == "" {
		return "another place"
	}
	return c.Sanitize(u.Host)
}
