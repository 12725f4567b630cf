// Package raffclient is a client of the Raff Technologies REST API, as far as
// it administers an account.
//
// Make one Client with New and share it: it is safe for concurrent use, and
// only calls made through the same Client are paced together. Methods take a
// context and return the API's object or an error; errors.Is tells what kind
// of error it is (ErrForbidden, ErrRateLimited, …) and errors.AsType[*Error]
// gives the details. The client stays inside the API's rate limit, repeats
// what may safely be repeated, and never repeats a creation whose answer was
// lost: it looks what became of it and reports that as an *OutcomeError.
//
// The API is documented at https://docs.rafftechnologies.com/api-reference.
package raffclient

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DefaultBaseURL is the API's one production host.
const DefaultBaseURL = "https://api.rafftechnologies.com"

// Config says how to reach the API. The zero value of every field but APIKey
// is a usable default.
type Config struct {
	// APIKey authenticates every request. It has to begin with "raff_" and to
	// be a valid header value.
	APIKey Secret
	// BaseURL is where the API is, without "/api/v1". It has to be https,
	// except for loopback hosts. Default: DefaultBaseURL.
	BaseURL string
	// ProjectID is sent as X-Project-ID on a request that the API refuses to
	// serve without it, and on no other. Default: none.
	ProjectID string
	// UserAgent is sent with every request. Default: "raff-mcp".
	UserAgent string

	// ConnectTimeout bounds making a connection, TLS included. Default: 10 s.
	ConnectTimeout time.Duration
	// RequestTimeout bounds one request and its answer. Default: 15 s.
	RequestTimeout time.Duration
	// CallTimeout bounds a call of a method: waiting for its turn, repeating,
	// and finding out what became of a lost creation. It has to be at least
	// three times RequestTimeout. Default: 55 s, because MCP clients commonly
	// stop waiting after 60 s.
	CallTimeout time.Duration
	// MaxResponseBytes is how many bytes of an answer are read. Default: 1 MiB.
	MaxResponseBytes int64

	// Transport carries the requests. Default: HTTP/1.1 with connection reuse,
	// through the proxy that the environment names (HTTPS_PROXY, NO_PROXY). Of
	// an *http.Transport, the client uses a clone that is limited to HTTP/1.1:
	// over HTTP/2, net/http sends requests a second time by itself.
	Transport http.RoundTripper
	// Logger gets a line for each request: method, path, status, duration and
	// attempt; never headers or bodies. Default: nothing is logged.
	Logger *slog.Logger
	// OnWait, if set, is told before a call waits to repeat a request.
	OnWait func(ctx context.Context, w Wait)
}

// Wait is a pause before a request is repeated.
type Wait struct {
	For      time.Duration
	Because  error // of the attempt before
	Attempts int   // so far
}

// Client calls the API. It is safe for concurrent use.
type Client struct {
	cfg       Config
	base      *url.URL
	http      *http.Client
	http1     bool // nothing but HTTP/1.1 is spoken
	pace      *pacer
	creations *creations
}

// New returns a client, or an error that says which setting cannot work.
// Nothing is sent.
func New(cfg Config) (*Client, error) {
	base, err := parseBaseURL(cmp.Or(cfg.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, err
	}
	if err := checkKey(cfg.APIKey); err != nil {
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
	return &Client{
		cfg:   cfg,
		base:  base,
		http1: http1,
		http: &http.Client{
			Transport: cfg.Transport,
			// Go would send X-API-Key along to whatever host a redirect names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pace:      newPacer(),
		creations: newCreations(),
	}, nil
}

func newTransport(connect time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  proxyForHTTPS,
		DialContext:            (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connect,
		MaxIdleConnsPerHost:    maxLimit, // a burst keeps its connections
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// idleTimeout is shorter than what servers commonly allow (Node.js: 5 s). A
// request on a connection that the server is just closing has an unknown outcome.
const idleTimeout = 4 * time.Second

// onlyHTTP1 returns a copy of t that speaks HTTP/1.1 and nothing else.
func onlyHTTP1(t *http.Transport) *http.Transport {
	t = t.Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.ForceAttemptHTTP2 = false
	// A Transport that was used already has been set up for HTTP/2.
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return t
}

// proxyForHTTPS returns the proxy that the environment names. http is for this
// machine only, where a proxy would get to see the key.
func proxyForHTTPS(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme != "https" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// ValidateBaseURL reports whether s can be Config.BaseURL, and why not.
func ValidateBaseURL(s string) error {
	_, err := parseBaseURL(s)
	return err
}

func parseBaseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("the API's address is not a URL") // err would quote it
	case u.User != nil:
		return nil, errors.New("the API's address must not hold a user name or password")
	case u.Hostname() == "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the API's address must be like " + DefaultBaseURL)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("the API's address must begin with https://: over http:// the key would travel unencrypted")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the API's address must begin with https://")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, errors.New("the port in the API's address is not one")
		}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}
