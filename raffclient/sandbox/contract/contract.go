// Package contract checks the requests of a client and the responses of a sandbox against
// the OpenAPI description of the API. It is for tests only. Anything that the description
// does not contain is a violation: an operation, a field, a query parameter, a header, a
// status.
package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/google/uuid"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// Contract is a description of the API. It is safe for concurrent use.
type Contract struct {
	doc    *openapi3.T
	bodies *bodies
}

// Load reads a description. It returns an error if the description is invalid.
func Load(file string) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	c := &Contract{doc: doc}
	c.close()
	if c.bodies, err = newBodies(doc); err != nil {
		return nil, err
	}
	return c, nil
}

// Log counts the exchanges with a sandbox. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	seen map[string]int // by operation
}

// Operations returns the IDs of the requested operations, sorted.
func (l *Log) Operations() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.seen))
}

// maxChecks is how many exchanges of an operation Watch checks, because some tests send
// the same request thousands of times.
const maxChecks = 50

// Watch checks the next exchanges with api against the description in file, up to a limit
// for each operation. A violation fails the test. A test that violates the description on
// purpose stops the checks with api.Watch(nil).
func Watch(tb testing.TB, api *faulty.API, file string) *Log {
	tb.Helper()
	c, err := loadOnce(file)
	if err != nil {
		tb.Fatal(err)
	}
	l := &Log{seen: map[string]int{}}
	api.Watch(func(x faulty.Exchange) {
		if l.add(c.operation(x)) > maxChecks {
			return
		}
		for _, v := range c.Check(x) {
			tb.Errorf("%s %s, responded with %d: %v", x.Method, x.Path, x.Status, v)
		}
	})
	return l
}

// add counts an exchange and returns the count of its operation.
func (l *Log) add(operation string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[operation]++
	return l.seen[operation]
}

// loaded caches descriptions by file.
var loaded sync.Map

func loadOnce(file string) (*Contract, error) {
	load, _ := loaded.LoadOrStore(file, sync.OnceValues(func() (*Contract, error) { return Load(file) }))
	return load.(func() (*Contract, error))()
}

// Operations returns the described operations, sorted by ID.
func (c *Contract) Operations() []sandbox.Operation {
	var all []sandbox.Operation
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			needed, _ := op.Extensions["x-required-permission"].(map[string]any)
			permission, _ := needed["permission"].(string)
			all = append(all, sandbox.Operation{ID: op.OperationID, Method: method, Path: path, Permission: permission})
		}
	}
	slices.SortFunc(all, func(a, b sandbox.Operation) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// operation returns the ID of the requested operation, or "" if there is none.
func (c *Contract) operation(x faulty.Exchange) string {
	if route, _ := c.find(x.Method, x.Path); route != nil {
		return route.Operation.OperationID
	}
	return ""
}

// Check returns the differences between an exchange and the description.
func (c *Contract) Check(x faulty.Exchange) (violations []error) {
	route, params := c.find(x.Method, x.Path)
	if route == nil {
		return []error{errors.New("there is no such operation")}
	}
	r, err := http.NewRequest(x.Method, "https://api.example"+x.Path+"?"+x.Query.Encode(), bytes.NewReader(x.Body))
	if err != nil {
		return []error{err}
	}
	r.Header = x.Header
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route, QueryParams: x.Query, Options: options(),
	}
	violations = append(violations, undescribed(route, x)...)
	if err := openapi3filter.ValidateRequest(context.Background(), in); err != nil {
		violations = append(violations, fmt.Errorf("request: %w", err))
	}
	if err := c.bodies.checkRequest(route, x); err != nil {
		violations = append(violations, fmt.Errorf("request: %w", err))
	}
	if x.Status != 0 {
		violations = append(violations, c.checkResponse(in, x)...)
	}
	return violations
}

func (c *Contract) checkResponse(in *openapi3filter.RequestValidationInput, x faulty.Exchange) (violations []error) {
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: x.Status, Header: x.ResponseHeader,
		Body: io.NopCloser(bytes.NewReader(x.ResponseBody)), Options: options(),
	})
	if err != nil {
		violations = append(violations, fmt.Errorf("response: %w", err))
	}
	if in.Route.Operation.Responses.Status(x.Status) != nil {
		if err := c.bodies.checkResponse(in.Route, x); err != nil {
			violations = append(violations, fmt.Errorf("response: %w", err))
		}
	}
	return violations
}

func options() *openapi3filter.Options {
	return &openapi3filter.Options{
		MultiError:            true,
		IncludeResponseStatus: true,
		ExcludeRequestBody:    true, // bodies checks it
		ExcludeResponseBody:   true, // bodies checks it
		SkipSettingDefaults:   true,
		AuthenticationFunc:    authenticate,
		SchemaValidationOptions: []openapi3.SchemaValidationOption{
			openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(isUUID)),
			openapi3.WithStringFormatValidator("email", openapi3.NewCallbackValidator(isEmail)),
		},
	}
}

// authenticate requires that the key header is sent once. It does not check the key.
func authenticate(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	if s := in.SecurityScheme; len(in.RequestValidationInput.Request.Header.Values(s.Name)) != 1 {
		return fmt.Errorf("header %s is not there once", s.Name)
	}
	return nil
}

func isUUID(s string) error {
	if len(s) != len(uuid.Nil.String()) {
		return errors.New("not a UUID")
	}
	return uuid.Validate(s)
}

func isEmail(s string) error {
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return errors.New("not an e-mail address")
	}
	return nil
}

// headers are the header fields that a request may have. X-Project-ID is described in
// prose only. net/http adds Accept-Encoding and Content-Length.
var headers = []string{"X-Api-Key", "X-Project-Id", "Accept", "User-Agent", "Content-Type", "Accept-Encoding", "Content-Length"}

// undescribed returns the violations that the validator does not find: parts of a request
// that the description does not contain.
func undescribed(route *routers.Route, x faulty.Exchange) (violations []error) {
	for name, values := range x.Query {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil && route.PathItem.Parameters.GetByInAndName("query", name) == nil {
			violations = append(violations, fmt.Errorf("request: the query has %s, which is not described", name))
		}
		if len(values) != 1 {
			violations = append(violations, fmt.Errorf("request: the query has %s %d times", name, len(values)))
		}
	}
	for name := range x.Header {
		if !slices.Contains(headers, name) {
			violations = append(violations, fmt.Errorf("request: header %s is not described", name))
		}
	}
	if id := x.Header.Get("X-Project-ID"); id != "" && isUUID(id) != nil {
		violations = append(violations, errors.New("request: X-Project-ID is not a UUID"))
	}
	return violations
}

// find returns the operation for an escaped path, and the path parameters.
func (c *Contract) find(method, path string) (*routers.Route, map[string]string) {
	got := strings.Split(path, "/")
	for pattern, item := range c.doc.Paths.Map() {
		params, ok := match(strings.Split(pattern, "/"), got)
		if op := item.Operations()[method]; ok && op != nil {
			return &routers.Route{Spec: c.doc, Path: pattern, PathItem: item, Method: method, Operation: op}, params
		}
	}
	return nil, nil
}

func match(pattern, path []string) (map[string]string, bool) {
	params := map[string]string{}
	if len(pattern) != len(path) {
		return nil, false
	}
	for i, element := range pattern {
		if name, ok := strings.CutPrefix(element, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = path[i]
		} else if element != path[i] {
			return nil, false
		}
	}
	return params, true
}

// close makes fields that are not described invalid.
func (c *Contract) close() {
	seen := map[*openapi3.Schema]bool{}
	for _, s := range c.doc.Components.Schemas {
		closeSchema(s, seen)
	}
	for _, r := range c.doc.Components.Responses {
		closeContent(r.Value.Content, seen)
	}
	for _, item := range c.doc.Paths.Map() {
		for _, op := range item.Operations() {
			if op.RequestBody != nil {
				closeContent(op.RequestBody.Value.Content, seen)
			}
			for _, r := range op.Responses.Map() {
				closeContent(r.Value.Content, seen)
			}
		}
	}
}

func closeContent(content openapi3.Content, seen map[*openapi3.Schema]bool) {
	for _, media := range content {
		closeSchema(media.Schema, seen)
	}
}

func closeSchema(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	merge(s)
	if len(s.Properties) > 0 && s.AdditionalProperties.Schema == nil {
		s.AdditionalProperties = openapi3.AdditionalProperties{Has: new(false)}
	}
	closeSchema(s.Items, seen)
	for _, p := range s.Properties {
		closeSchema(p, seen)
	}
}

// merge replaces allOf by a single object, because closed parts would forbid each
// other's fields.
func merge(s *openapi3.Schema) {
	for _, part := range s.AllOf {
		merge(part.Value)
		properties := maps.Clone(s.Properties)
		if properties == nil {
			properties = openapi3.Schemas{}
		}
		maps.Copy(properties, part.Value.Properties)
		s.Properties = properties
		s.Required = slices.Concat(s.Required, part.Value.Required)
		s.Type = part.Value.Type
	}
	s.AllOf = nil
}
