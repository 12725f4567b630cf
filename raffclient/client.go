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
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
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
	// MaxAnswer is how many bytes of an answer are read. Default: 1 MiB.
	MaxAnswer int64

	// Transport carries the requests. Default: HTTP/1.1 and HTTP/2 with
	// connection reuse, through the proxy that the environment names
	// (HTTPS_PROXY, NO_PROXY).
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
	pace      *pacer
	creations *creations
}

// New returns a client, or an error that says which setting cannot work.
// Nothing is sent.
func New(cfg Config) (*Client, error) {
	base, err := parseBaseURL(orDefault(cfg.BaseURL, DefaultBaseURL))
	if err != nil {
		return nil, err
	}
	if err := checkKey(cfg.APIKey); err != nil {
		return nil, err
	}
	cfg.UserAgent = orDefault(cfg.UserAgent, "raff-mcp")
	cfg.ConnectTimeout = orDefault(cfg.ConnectTimeout, 10*time.Second)
	cfg.RequestTimeout = orDefault(cfg.RequestTimeout, 15*time.Second)
	cfg.CallTimeout = orDefault(cfg.CallTimeout, 55*time.Second)
	cfg.MaxAnswer = orDefault(cfg.MaxAnswer, 1<<20)
	cfg.Logger = orDefault(cfg.Logger, slog.New(slog.DiscardHandler))
	if cfg.CallTimeout < 3*cfg.RequestTimeout {
		return nil, fmt.Errorf("call timeout %v is less than three request timeouts of %v", cfg.CallTimeout, cfg.RequestTimeout)
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(cfg.ConnectTimeout)
	}
	return &Client{
		cfg:  cfg,
		base: base,
		http: &http.Client{
			Transport: cfg.Transport,
			// Go would send X-API-Key along to whatever host a redirect names.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		pace:      newPacer(),
		creations: newCreations(),
	}, nil
}

func orDefault[T comparable](v, dflt T) T {
	var zero T
	if v == zero {
		return dflt
	}
	return v
}

func newTransport(connect time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  proxyForHTTPS,
		DialContext:            (&net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connect,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    defaultLimit, // a burst over HTTP/1.1 keeps its connections
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// proxyForHTTPS returns the proxy that the environment names. http is for this
// machine only, where a proxy would get to see the key.
func proxyForHTTPS(r *http.Request) (*url.URL, error) {
	if r.URL.Scheme != "https" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

// ParseBaseURL reports whether s can be Config.BaseURL, and why not.
func ParseBaseURL(s string) error {
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

// request is what a method asks of the API.
type request struct {
	method string
	path   []string // below /api/v1, not escaped
	query  url.Values
	body   any // encoded as JSON; nil: no body

	// once marks what must not be done twice. It is not repeated if it may
	// have been processed, and once it is on its way it is seen through even
	// if the context is cancelled.
	once bool
	// around, if set, is called for each attempt and makes it by calling send.
	around func(send func() (answer, error)) (answer, error)
}

// url returns where r goes. Elements that would make the path another one
// (an ID of "..") are refused.
func (c *Client) url(r request) (*url.URL, error) {
	u := *c.base
	elements := append([]string{"api", "v1"}, r.path...)
	raw := u.EscapedPath()
	for _, e := range elements {
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

// call sends r and returns the data of its answer. The error is an *Error.
func call[T any](ctx context.Context, c *Client, r request) (data T, a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	if a, err = c.do(ctx, r); err != nil {
		return data, a, err
	}
	data, bad := decode[T](c, &a)
	if bad != nil {
		return data, a, bad
	}
	return data, a, nil
}

// call sends r, whose answer r.around reads.
func (c *Client) call(ctx context.Context, r request) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	_, err := c.do(ctx, r)
	return err
}

// do sends r until it is answered for good or may not be repeated, under the
// deadline of ctx.
func (c *Client) do(ctx context.Context, r request) (answer, error) {
	u, err := c.url(r)
	if err != nil {
		return answer{}, err
	}
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return answer{}, &Error{kind: ErrInvalid, Message: "the request cannot be written as JSON"}
		}
	}
	deadline, _ := ctx.Deadline()
	if r.once {
		// Leave time to be answered and to find out what became of it.
		deadline = deadline.Add(-2 * c.cfg.RequestTimeout)
	}
	waiting, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	t := try{client: c, request: r, url: u, body: body}
	for {
		if err := c.pace.wait(waiting); err != nil {
			return answer{}, notSent(ctx, err, t.last)
		}
		a, err := t.sendAround(ctx)
		if err == nil {
			return a, nil
		}
		wait, again := t.next(err)
		if !again || time.Now().Add(wait).After(deadline) {
			return a, err
		}
		if c.cfg.OnWait != nil && wait > 0 {
			c.cfg.OnWait(ctx, Wait{For: wait, Because: err, Attempts: t.attempt})
		}
		if err := sleep(waiting, wait); err != nil {
			return answer{}, notSent(ctx, err, t.last)
		}
	}
}

// notSent is the error of a call that ended while waiting for its turn. If an
// earlier attempt failed, that is the better account of what happened, unless
// the caller itself gave up.
func notSent(ctx context.Context, err error, last *Error) error {
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) || cause != nil && !errors.Is(cause, context.DeadlineExceeded) {
		return &Error{kind: ErrNotSent, Message: "cancelled before it was sent", cause: cause, maybe: last != nil && last.maybe}
	}
	if last != nil {
		return last
	}
	return &Error{kind: ErrRateLimited, Message: "its turn under the rate limit did not come in time", cause: err}
}

// try is a request with what happened to it so far.
type try struct {
	client  *Client
	request request
	url     *url.URL
	body    []byte

	attempt   int
	projectID string // sent as X-Project-ID
	last      *Error // of the attempt before
}

func (t *try) sendAround(ctx context.Context) (answer, error) {
	if t.request.around == nil {
		return t.send(ctx)
	}
	return t.request.around(func() (answer, error) { return t.send(ctx) })
}

// send makes one attempt.
func (t *try) send(ctx context.Context) (answer, error) {
	c, r := t.client, t.request
	t.attempt++
	if r.once {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()

	start := time.Now()
	a, err := t.roundTrip(ctx)
	t.log(ctx, a.status, time.Since(start), err)
	if err == nil {
		return a, nil
	}
	if t.last != nil {
		err.maybe = err.maybe || t.last.maybe
	}
	if err.gone(r, t.last) {
		return a, nil
	}
	t.last = err
	return a, err
}

func (t *try) log(ctx context.Context, status int, took time.Duration, err *Error) {
	level, message := slog.LevelDebug, "request"
	attrs := []slog.Attr{
		slog.String("method", t.request.method),
		slog.String("path", t.client.clean(t.url.Path)),
		slog.Int("status", status),
		slog.Duration("duration", took.Round(time.Microsecond)),
		slog.Int("attempt", t.attempt),
	}
	if err != nil {
		level, message = slog.LevelWarn, "request failed"
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	t.client.cfg.Logger.LogAttrs(ctx, level, message, attrs...)
}

func (t *try) roundTrip(ctx context.Context) (answer, *Error) {
	c := t.client
	sent := &tracer{}
	req, err := http.NewRequestWithContext(sent.watch(ctx), t.request.method, t.url.String(), bytes.NewReader(t.body))
	if err != nil {
		return answer{}, &Error{kind: ErrInvalid, Message: "the request cannot be built"}
	}
	if t.body == nil {
		req.Body, req.GetBody, req.ContentLength = http.NoBody, nil, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	req.Header.Set("X-API-Key", c.cfg.APIKey.Reveal())
	if t.projectID != "" {
		req.Header.Set("X-Project-ID", t.projectID)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.transportError(err, sent)
	}
	defer res.Body.Close()
	a := readAnswer(res, c.cfg.MaxAnswer)
	a.body = c.cfg.APIKey.cutOut(unescape(a.body))
	c.pace.learn(a.limit)
	if a.truncated() && !t.request.once {
		return a, c.badAnswer(&a) // worth another try; a creation's is salvaged instead
	}
	return a, c.check(&a)
}

// sleep waits for d, or returns why it did not.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
