// Package raffclient is a client of the Raff Technologies REST API
// (https://docs.rafftechnologies.com/api-reference) for the administration of an
// account: API keys, roles, projects, members and invitations.
//
// Create one [Client] with [New] and share it: it is safe for concurrent use, and only
// calls of the same Client share the rate limit, unless Config.SharedDir is set. The Client stays within the API's rate
// limit and repeats requests that are safe to repeat. It never repeats a creation whose
// response was lost: it looks up what was created and returns an [*OutcomeError].
//
// Use errors.Is to determine the kind of an error ([ErrForbidden], [ErrRateLimited], …),
// and errors.AsType[*Error] for the details.
package raffclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DefaultBaseURL is the production URL of the API.
const DefaultBaseURL = "https://api.rafftechnologies.com"

// Config configures a Client. For every field but APIKey and ReadKey, of which one must be
// set, the zero value selects the default.
type Config struct {
	// APIKey authenticates every request. It must be a key that ParseKey accepts.
	APIKey Secret
	// ReadKey, if not nil, returns the key that authenticates requests, in place of APIKey.
	// It is called when the first request is sent, and again when the API has rejected the
	// key (401): if it then returns another one, the request is sent once more. Its error
	// should say what happened and what to do, and must not contain a key. Calls that
	// need the key share one call of ReadKey, whose context ends after 40 s, or when none
	// of them waits any more. That time is not part of CallTimeout, except after a 401.
	ReadKey func(ctx context.Context) (Secret, error)
	// BaseURL is the URL of the API without "/api/v1". It must be https, except for
	// loopback hosts. Default: DefaultBaseURL.
	BaseURL string
	// ProjectID is sent as X-Project-ID, but only if the API refuses a request
	// without that header. Default: none.
	ProjectID string
	// UserAgent is sent with every request. Default: "raff-mcp".
	UserAgent string

	// ConnectTimeout bounds connecting, including the TLS handshake. It has no
	// effect with Transport. Default: 10 s.
	ConnectTimeout time.Duration
	// RequestTimeout bounds one attempt, including reading the response.
	// Default: 15 s.
	RequestTimeout time.Duration
	// CallTimeout bounds a call of a method: waiting for the rate limit, all
	// attempts, and looking up the outcome of a lost creation. It must be at least
	// three times RequestTimeout. A list has this time for each page. Default: 55 s,
	// because MCP clients commonly stop waiting after 60 s.
	CallTimeout time.Duration
	// MaxResponseBytes bounds the bytes that are read of a response body.
	// Default: 1 MiB.
	MaxResponseBytes int64

	// SharedDir is an absolute path of a directory, for this user only, through which
	// clients with the same key share the rate limit, also those of other processes. It and
	// its parent are created if they do not exist. It contains neither keys nor anything
	// that must be kept. If it cannot be used, the client goes on alone. Default: nothing
	// is shared.
	SharedDir string

	// Transport sends the requests. The client uses an *http.Transport as a clone
	// that is limited to HTTP/1.1, because over HTTP/2 net/http repeats requests by
	// itself. Default: HTTP/1.1 with connection reuse, through the proxy that the
	// environment selects (HTTPS_PROXY, NO_PROXY).
	Transport http.RoundTripper
	// Logger receives a record for each attempt: method, path, duration, number and, if
	// there was a response, status; never headers or bodies. What the rate limit refuses
	// is one record for all attempts and calls. Default: nothing is logged.
	Logger *slog.Logger
	// OnWait, if not nil, is called before a call waits to repeat a request. It must
	// be safe for concurrent use.
	OnWait func(ctx context.Context, w Wait)
}

// Wait describes the wait before a request is repeated.
type Wait struct {
	For      time.Duration
	Because  error // of the last attempt
	Attempts int   // so far
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	cfg       Config
	base      *url.URL
	http      *http.Client
	http1     bool // the transport is limited to HTTP/1.1
	pace      *pacer
	creations *creations
	refusals  refusals
	key       *currentKey
}

// New returns a Client, or an error that names the invalid setting. It sends nothing.
func New(cfg Config) (*Client, error) {
	base, err := parseBaseURL(cmp.Or(cfg.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, err
	}
	key, err := newCurrentKey(cfg)
	if err != nil {
		return nil, err
	}
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "raff-mcp")
	cfg.ConnectTimeout = cmp.Or(cfg.ConnectTimeout, 10*time.Second)
	cfg.RequestTimeout = cmp.Or(cfg.RequestTimeout, 15*time.Second)
	cfg.CallTimeout = cmp.Or(cfg.CallTimeout, 55*time.Second)
	cfg.MaxResponseBytes = cmp.Or(cfg.MaxResponseBytes, 1<<20)
	cfg.Logger = cmp.Or(cfg.Logger, slog.New(slog.DiscardHandler))
	if cfg.CallTimeout < 3*cfg.RequestTimeout {
		return nil, fmt.Errorf("call timeout %v is less than three request timeouts of %v", cfg.CallTimeout, cfg.RequestTimeout)
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(cfg.ConnectTimeout)
	}
	t, http1 := cfg.Transport.(*http.Transport)
	if http1 {
		cfg.Transport = onlyHTTP1(t)
	}
	pace := newPacer()
	if cfg.SharedDir != "" {
		pace.shared = newSharedWindow(cfg.SharedDir, base.String(), key)
	}
	return &Client{
		cfg:   cfg,
		base:  base,
		http1: http1,
		http: &http.Client{
			Transport: cfg.Transport,
			// net/http would send X-API-Key to the host that a redirect names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pace:      pace,
		creations: newCreations(),
		key:       key,
	}, nil
}

// ValidateBaseURL returns an error that says why s cannot be Config.BaseURL, or nil if
// it can.
func ValidateBaseURL(s string) error {
	_, err := parseBaseURL(s)
	return err
}

func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("the API's address is not a URL") // err would quote it
	}
	if strings.EqualFold(u.Hostname(), "localhost") {
		u.Host = strings.ToLower(u.Host) // the form that http.ProxyFromEnvironment exempts
	}
	switch {
	case u.User != nil:
		return nil, errors.New("the API's address must not contain a user name or password")
	case u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the API's address must be like " + DefaultBaseURL)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("the API's address must begin with https://: over http:// the key would travel unencrypted")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the API's address must begin with https://")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, errors.New("the port in the API's address is invalid")
		}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
