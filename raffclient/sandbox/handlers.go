package sandbox

import (
	"encoding/json"
	"mime"
	"strings"
	"time"
	"unicode/utf8"
)

// handler serves an operation. It returns the body of the response.
type handler func(*API, call) (any, error)

// on returns a handler that calls do with the resource that find returns.
func on[R any](find func(*API, call) (R, error), do func(*API, call, R) (any, error)) handler {
	return func(a *API, c call) (any, error) {
		resource, err := find(a, c)
		if err != nil {
			return nil, err
		}
		return do(a, c, resource)
	}
}

// withBody returns a handler that calls do with the decoded body of the request.
func withBody[B requestBody](do func(*API, call, B) (any, error)) handler {
	return func(a *API, c call) (any, error) {
		body, err := decode[B](c)
		if err != nil {
			return nil, err
		}
		return do(a, c, body)
	}
}

// onWithBody combines on and withBody. It finds the resource first.
func onWithBody[R any, B requestBody](find func(*API, call) (R, error), do func(*API, call, R, B) (any, error)) handler {
	return on(find, func(a *API, c call, resource R) (any, error) {
		body, err := decode[B](c)
		if err != nil {
			return nil, err
		}
		return do(a, c, resource, body)
	})
}

// requestBody is the JSON body of a request. A field that is nil was not sent.
type requestBody interface {
	// validate returns an error if the body is invalid regardless of the account's state.
	validate(now time.Time) error
}

// decode reads and validates the body of a request. As in most Go servers, unknown
// fields are ignored and null is the same as absent; the documentation mentions
// neither.
func decode[B requestBody](c call) (B, error) {
	var body B
	if len(c.body) > maxBodyBytes {
		return body, badRequest("request body is larger than %d bytes", maxBodyBytes)
	}
	if t, _, _ := mime.ParseMediaType(c.Header.Get("Content-Type")); t != "application/json" {
		return body, badRequest("Content-Type must be application/json")
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return body, badRequest("invalid request body")
	}
	return body, body.validate(c.now)
}

// required returns an error if a field was not sent.
func required(name string, value *string) error {
	if value == nil {
		return badRequest("%s is required", name)
	}
	return nil
}

// checkName returns an error for a name that is empty or too long, in characters.
func checkName(name *string, maxLength int) error {
	if name != nil && (*name == "" || utf8.RuneCountInString(*name) > maxLength) {
		return badRequest("name must have 1 to %d characters", maxLength)
	}
	return nil
}

// checkOneOf returns an error for a field with a value that is not in the list.
func checkOneOf(name string, value *string, values ...string) error {
	if value == nil {
		return nil
	}
	for _, v := range values {
		if v == *value {
			return nil
		}
	}
	return badRequest("%s must be one of: %s", name, strings.Join(values, ", "))
}

// countSet returns how many fields were sent.
func countSet(fields ...*string) (n int) {
	for _, f := range fields {
		if f != nil {
			n++
		}
	}
	return n
}
