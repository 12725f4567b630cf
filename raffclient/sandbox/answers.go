package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// envelope is the body of every success, except those of the health checks.
type envelope struct {
	Success bool   `json:"success"`
	Data    any    `json:"data,omitempty"`
	Total   *int   `json:"total,omitempty"`
	Message string `json:"message,omitempty"`
}

func withData(data any) envelope      { return envelope{Success: true, Data: data} }
func withMessage(msg string) envelope { return envelope{Success: true, Message: msg} }

func withTotal(data any, total int) envelope {
	return envelope{Success: true, Data: data, Total: &total}
}

// refusal is an error that the API answers with. It is documented that such bodies
// have error and message, but not their words, except where a comment says so.
type refusal struct {
	status  int
	title   string // "" is the status's own
	message string
	header  http.Header
}

func (r *refusal) Error() string { return r.message }

func badRequest(format string, args ...any) error {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

func unauthorized(message string) error {
	return &refusal{status: http.StatusUnauthorized, message: message}
}

func forbidden(permission string) error {
	return &refusal{status: http.StatusForbidden, message: "missing permission " + permission}
}

func notFound(message string) error {
	return &refusal{status: http.StatusNotFound, message: message}
}

func conflict(format string, args ...any) error {
	return &refusal{status: http.StatusConflict, message: fmt.Sprintf(format, args...)}
}

func methodNotAllowed(allowed []string) error {
	return &refusal{
		status:  http.StatusMethodNotAllowed,
		message: "the endpoint does not take this method",
		header:  http.Header{"Allow": {strings.Join(allowed, ", ")}},
	}
}

// refuse returns the answer to an error, whose header fields it adds to header.
func refuse(err error, header http.Header) (int, any) {
	r, ok := errors.AsType[*refusal](err)
	if !ok {
		panic(err) // handlers return nothing else
	}
	for name, values := range r.header {
		header[name] = values
	}
	title := r.title
	if title == "" {
		title = http.StatusText(r.status)
	}
	return r.status, map[string]string{"error": title, "message": r.message}
}

func encode(body any) []byte {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // everything that is kept can be encoded
	}
	return data
}

// decode reads the request's body. As in most Go servers, unknown fields are
// ignored and null is the same as absent; the documentation has neither.
func decode[T any](c call) (T, error) {
	var body T
	if c.tooLarge {
		return body, badRequest("request body is larger than %d bytes", maxBody)
	}
	if t, _, _ := mime.ParseMediaType(c.header.Get("Content-Type")); t != "application/json" {
		return body, badRequest("Content-Type must be application/json")
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return body, badRequest("invalid request body")
	}
	return body, nil
}

// page returns the elements that limit and offset ask for. No maximum of limit is
// documented, so there is none; what is not a number in range is refused.
func page[T any](c call, all []T, defaultLimit int) ([]T, error) {
	limit, err := c.number("limit", 1, defaultLimit)
	if err != nil {
		return nil, err
	}
	offset, err := c.number("offset", 0, 0)
	if err != nil {
		return nil, err
	}
	all = all[min(offset, len(all)):]
	return append([]T{}, all[:min(limit, len(all))]...), nil
}

// number returns a parameter of the query.
func (c call) number(name string, least, absent int) (int, error) {
	s := c.query.Get(name)
	if s == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least {
		return 0, badRequest("%s must be a whole number, %d or more", name, least)
	}
	return n, nil
}

// choice returns a parameter of the query that has one of a few values, or "".
func (c call) choice(name string, values ...string) (string, error) {
	s := c.query.Get(name)
	if s == "" {
		return "", nil
	}
	return s, oneOf(name, s, values...)
}

func oneOf(name, got string, values ...string) error {
	for _, v := range values {
		if v == got {
			return nil
		}
	}
	return badRequest("%s must be one of: %s", name, strings.Join(values, ", "))
}

// checkName refuses a name that is empty or too long, in characters.
func checkName(name *string, most int) error {
	if name != nil && (*name == "" || utf8.RuneCountInString(*name) > most) {
		return badRequest("name must have 1 to %d characters", most)
	}
	return nil
}
