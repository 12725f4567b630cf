package sandbox

import (
	"io"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/google/uuid"
)

// route is an operation of the API.
type route struct {
	id         string // as in the API's description
	method     string
	path       string // "{name}" stands for one element
	open       bool   // requires no key
	permission string // that the key's role must contain; "" is none
	orGrant    bool   // a role in some project suffices
	status     int    // of success; 0 is 200
	handle     handler
}

// routes returns all operations.
func routes() []route {
	return slices.Concat(
		healthRoutes(),
		apiKeyRoutes(),
		roleRoutes(),
		permissionRoutes(),
		projectRoutes(),
		projectMemberRoutes(),
		accountMemberRoutes(),
		invitationRoutes(),
	)
}

// call is a request to an operation. Its handler runs under the API's mutex.
type call struct {
	*http.Request
	body   []byte // at most maxBodyBytes+1
	now    time.Time
	key    *apiKey     // that authenticates the request; nil if the operation needs none
	header http.Header // of the response
}

// newMux returns a mux that serves every operation.
func (a *API) newMux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range routes() {
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { a.serve(rt, w, r) })
	}
	return mux
}

// ServeHTTP responds as the Raff API does.
//
// The response for an unknown endpoint is 404 even without a valid key. The documentation
// does not say what is checked first; with this order, a wrong base URL is easy to notice.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := a.mux.Handler(r); pattern == "" || !isClean(r.URL.EscapedPath()) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.writeError(w, a.noRoute(r))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// isClean reports whether ServeMux accepts a path. It redirects others, so that
// "/api/v1/x/../api-keys" would reach another endpoint.
func isClean(escaped string) bool {
	clean := path.Clean(escaped)
	return escaped == clean || escaped == clean+"/"
}

// noRoute returns the error for a request that no operation matches.
func (a *API) noRoute(r *http.Request) error {
	if !isClean(r.URL.EscapedPath()) {
		return notFound("no such endpoint")
	}
	rec := recorder{header: http.Header{}}
	a.mux.ServeHTTP(&rec, r)
	if rec.status == http.StatusMethodNotAllowed {
		return methodNotAllowed(rec.header.Get("Allow"))
	}
	return notFound("no such endpoint")
}

// serve serves a request to an operation.
func (a *API) serve(rt route, w http.ResponseWriter, r *http.Request) {
	body, err := readBody(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c := call{Request: r, body: body, now: a.now(), header: w.Header()}
	result, err := a.dispatch(c, rt)
	switch {
	case err != nil:
		a.writeError(w, err)
	case a.emptyDeletions && r.Method == http.MethodDelete:
		a.write(w, http.StatusNoContent, nil)
	case rt.status != 0:
		a.write(w, rt.status, result)
	default:
		a.write(w, http.StatusOK, result)
	}
}

func (a *API) dispatch(c call, rt route) (any, error) {
	if !rt.open {
		key, err := a.admit(c, rt)
		if err != nil {
			return nil, err
		}
		c.key = key
	}
	return rt.handle(a, c)
}

// maxBodyBytes is the size beyond which the body of a request is refused.
const maxBodyBytes = 1 << 20

// readBody reads the body of a request, or as much of it as shows that it is too large.
func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(io.LimitReader(r.Body, maxBodyBytes+1))
}

// parseID returns a UUID in canonical form. Only the form with hyphens is valid.
func parseID(s string) (string, bool) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != len(id.String()) {
		return "", false
	}
	return id.String(), true
}
