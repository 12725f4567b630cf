package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// route is an operation of the API.
type route struct {
	id         string // as the API's description names it
	method     string
	path       string // "{name}" stands for one element
	open       bool   // needs no key
	permission string // what the key's role must hold; "" is nothing
	orGrant    bool   // a role in some project does as well
	status     int    // of success
	handle     func(*API, call) (any, error)
}

// routes lists every operation; each resource has its own in its file.
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

// call is what a handler is given. It runs under the API's mutex.
type call struct {
	request
	now    time.Time
	key    *apiKey           // with which it came; nil if it needs none
	params map[string]string // from the path, by name
	out    http.Header       // the header of the answer
}

// perform does what the request asks for.
func (a *API) perform(req request) response {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := call{request: req, now: a.now(), out: http.Header{}}
	c.out.Set("Content-Type", "application/json")
	status, body, err := a.dispatch(c)
	if err != nil {
		status, body = refuse(err, c.out)
	} else if a.emptyDeletions && c.method == http.MethodDelete {
		c.out.Del("Content-Type")
		return response{status: http.StatusNoContent, header: c.out}
	}
	return response{status, c.out, encode(body)}
}

func (a *API) dispatch(c call) (int, any, error) {
	rt, params, err := findRoute(c.method, c.path)
	if err != nil {
		return 0, nil, err
	}
	c.params = params
	if !rt.open {
		if c.key, err = a.admit(c, rt); err != nil {
			return 0, nil, err
		}
	}
	body, err := rt.handle(a, c)
	return rt.status, body, err
}

// findRoute returns the operation that a request means, and the parameters in its
// path. It does not need a key to say that there is none: the documentation names
// no order, and this one shows a wrong base URL for what it is.
func findRoute(method, path string) (route, map[string]string, error) {
	var allowed []string
	for _, rt := range routes() {
		params, ok := matchPath(rt.path, path)
		if !ok {
			continue
		}
		if rt.method == method {
			return rt, params, nil
		}
		allowed = append(allowed, rt.method)
	}
	if allowed != nil {
		return route{}, nil, methodNotAllowed(allowed)
	}
	return route{}, nil, notFound("no such endpoint")
}

// matchPath compares a path, as sent, with a route's. Elements are unescaped one by
// one, so that an escaped slash is a part of its element, and ".." is an element.
func matchPath(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, element := range got {
		element, err := url.PathUnescape(element)
		if err != nil {
			return nil, false
		}
		if strings.HasPrefix(want[i], "{") {
			params[strings.Trim(want[i], "{}")] = element
			continue
		}
		if want[i] != element {
			return nil, false
		}
	}
	return params, true
}

// parseID returns a UUID in its canonical spelling. Only the form with hyphens is
// one.
func parseID(s string) (string, bool) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != len(id.String()) {
		return "", false
	}
	return id.String(), true
}
