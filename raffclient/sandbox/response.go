package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
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

// apiError is an error response. According to the documentation, its body has error and
// message. The texts are not documented, unless a comment says so.
type apiError struct {
	status  int
	title   string // "" is the text of the status
	message string
	header  http.Header
}

func (e *apiError) Error() string { return e.message }

func badRequest(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

func unauthorized(message string) error {
	return &apiError{status: http.StatusUnauthorized, message: message}
}

func forbidden(permission string) error {
	return &apiError{status: http.StatusForbidden, message: "missing permission " + permission}
}

func notFound(message string) error {
	return &apiError{status: http.StatusNotFound, message: message}
}

func conflict(format string, args ...any) error {
	return &apiError{status: http.StatusConflict, message: fmt.Sprintf(format, args...)}
}

// methodNotAllowed returns the error for a method that is not in the Allow header of
// ServeMux. It removes HEAD, which ServeMux adds and the API does not document.
func methodNotAllowed(allow string) error {
	return &apiError{
		status:  http.StatusMethodNotAllowed,
		message: "the endpoint does not take this method",
		header:  http.Header{"Allow": {strings.Replace(allow, "GET, HEAD", "GET", 1)}},
	}
}

// writeError writes the response for an error of a handler. The caller holds the mutex.
func (a *API) writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		panic(err) // handlers return no other type
	}
	for name, values := range e.header {
		w.Header()[name] = values
	}
	title := e.title
	if title == "" {
		title = http.StatusText(e.status)
	}
	a.write(w, e.status, map[string]string{"error": title, "message": e.message})
}

// write writes a response with a JSON body, or without one if body is nil. The caller
// holds the mutex.
func (a *API) write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Date", a.now().Format(http.TimeFormat))
	if body == nil {
		w.WriteHeader(status)
		return
	}
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // all resources can be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // fails only if the client is gone
}
