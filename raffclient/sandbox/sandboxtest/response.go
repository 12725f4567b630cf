package sandboxtest

import (
	"net/http"
	"strings"
	"testing"
)

// Response is a response with the decoded fields of its body.
type Response struct {
	Status int
	Header http.Header
	Text   string
	Fields map[string]any
}

// Data returns the data, which must be an object.
func (a Response) Data(t *testing.T) map[string]any {
	t.Helper()
	data, ok := a.Fields["data"].(map[string]any)
	if !ok {
		t.Fatalf("data is not an object in %s", a.Text)
	}
	return data
}

// List returns the data, which must be a list.
func (a Response) List(t *testing.T) []any {
	t.Helper()
	list, ok := a.Fields["data"].([]any)
	if !ok {
		t.Fatalf("data is not a list in %s", a.Text)
	}
	return list
}

// Names returns the names in the list, separated by spaces.
func (a Response) Names(t *testing.T) string {
	t.Helper()
	var names []string
	for _, element := range a.List(t) {
		names = append(names, element.(map[string]any)["name"].(string))
	}
	return strings.Join(names, " ")
}

// WantStatus ends the test if the status is another one.
func WantStatus(t *testing.T, a Response, status int) {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d; body %s", a.Status, status, a.Text)
	}
}
