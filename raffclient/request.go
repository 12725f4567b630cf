package raffclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
)

// request describes a call of the API.
type request struct {
	method string
	path   []string // elements below /api/v1, not escaped
	query  url.Values
	body   any // encoded as JSON; nil: no body

	// noReplay marks a request that must not take effect twice. Neither the client
	// nor net/http repeats it if it may have been processed. Once it is sent, it is
	// completed even if the caller's context is cancelled.
	noReplay bool
	// onAttempt, if set, is called before each attempt. The function that it returns
	// is called when the response of that attempt has been decoded.
	onAttempt func() (end func())
	// hadNoEffect, if set, reports whether attempts that the API refused because of
	// the rate limit had no effect. If proof is true, it returns true only if that is
	// certain. If proof is false, it returns true unless it finds an effect, such as a
	// recent match, because the API's documentation says that refused requests are not
	// processed. It is called before every further attempt: before the second without
	// proof, before later ones with proof.
	hadNoEffect func(ctx context.Context, proof bool) bool
}

// url returns the URL of r. Path elements that would lead to another endpoint (an
// ID of "..") are refused.
func (c *Client) url(r request) (*url.URL, *Error) {
	u := *c.base
	raw := u.EscapedPath()
	for _, e := range append([]string{"api", "v1"}, r.path...) {
		if e == "" || e == "." || e == ".." {
			return nil, &Error{kind: ErrInvalid, Message: fmt.Sprintf("%q cannot be an ID", e)}
		}
		u.Path += "/" + e
		raw += "/" + url.PathEscape(e)
	}
	u.RawPath = raw
	u.RawQuery = r.query.Encode()
	return &u, nil
}

// encodeBody returns the body of r as JSON, or nil if it has none.
func (r request) encodeBody() ([]byte, *Error) {
	if r.body == nil {
		return nil, nil
	}
	body, err := json.Marshal(r.body)
	if err != nil {
		return nil, &Error{kind: ErrInvalid, Message: "the request cannot be written as JSON"}
	}
	return body, nil
}

// httpRequest returns the HTTP request of one attempt.
func (s *sending) httpRequest(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, s.request.method, s.url.String(), s.bodyReader())
	if err != nil {
		return nil, err
	}
	if s.body != nil {
		req.ContentLength = int64(len(s.body))
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", s.client.cfg.UserAgent)
	req.Header.Set("X-API-Key", s.key.Reveal())
	if s.projectID != "" {
		req.Header.Set("X-Project-ID", s.projectID)
	}
	return req, nil
}

// bodyReader returns the body of one attempt.
//
// net/http repeats a request by itself, over HTTP/2 even one that was processed,
// unless it has a body that cannot be rewound (see shouldRetryRequest in net/http).
// A request that must not be repeated therefore has such a body, if necessary an
// empty one. Over HTTP/1.1, net/http repeats nothing after the first byte was
// written, so no body is needed; an empty one of unknown length would be sent in
// chunks.
func (s *sending) bodyReader() io.Reader {
	switch {
	case s.body == nil && (!s.request.noReplay || s.client.http1):
		return http.NoBody
	case s.request.noReplay:
		// net/http writes the reader in this wrapper together with the headers.
		return io.NopCloser(bytes.NewReader(s.body))
	}
	return bytes.NewReader(s.body)
}

// pathNames are the path elements of the API that are not IDs.
var pathNames = []string{"api-keys", "regenerate", "roles", "permissions", "projects", "members", "invitations"}

// hasID reports whether the request contains the ID of an object, in its path or in
// its body.
func (s *sending) hasID() bool {
	return bytes.Contains(s.body, []byte(`_id":`)) ||
		slices.ContainsFunc(s.request.path, func(e string) bool { return !slices.Contains(pathNames, e) })
}
