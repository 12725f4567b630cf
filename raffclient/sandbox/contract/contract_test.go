package contract_test

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/contract"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

const description = "../../testdata/raff-openapi.yaml"

func load(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Load(description)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The sandbox has the operations that are described, with their permissions.
func TestSandboxHasWhatIsDescribed(t *testing.T) {
	got := sandbox.Operations()
	slices.SortFunc(got, func(a, b sandbox.Operation) int { return strings.Compare(a.ID, b.ID) })
	if want := load(t).Operations(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

const (
	id  = "d94a7c22-0e1b-4f63-b5d8-6a2f90c7e001"
	key = `"id":"` + id + `","name":"a","key_prefix":"raff_17d70fcf","is_active":true`
)

// exchange is one that a test changes.
func exchange(method, target, body string, status int, response string) faulty.Exchange {
	path, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query)
	x := faulty.Exchange{
		Request: faulty.Request{
			Method: method, Path: path, Query: values, Header: http.Header{"X-Api-Key": {"raff_x"}}, Body: []byte(body), Status: status,
		},
		ResponseHeader: http.Header{"Content-Type": {"application/json"}},
		ResponseBody:   []byte(response),
	}
	if body != "" {
		x.Header.Set("Content-Type", "application/json")
	}
	return x
}

func TestCheck(t *testing.T) {
	c := load(t)
	get := func(response string) faulty.Exchange {
		return exchange("GET", "/api/v1/api-keys/"+id, "", 200, response)
	}
	list := func(query string) faulty.Exchange {
		return exchange("GET", "/api/v1/api-keys"+query, "", 200, `{"success":true,"data":[],"total":0}`)
	}
	create := func(body string) faulty.Exchange {
		return exchange("POST", "/api/v1/api-keys", body, 201, `{"success":true,"data":{`+key+`,"secret":"raff_x"}}`)
	}
	member := func(body string) faulty.Exchange {
		return exchange("POST", "/api/v1/members", body, 201,
			`{"success":true,"data":{"id":"`+id+`","email":"a@b.example","status":"pending","user_id":null}}`)
	}
	remove := func(status int, response string) faulty.Exchange {
		return exchange("DELETE", "/api/v1/api-keys/"+id, "", status, response)
	}
	header := func(x faulty.Exchange, name string, values ...string) faulty.Exchange {
		x.Header[http.CanonicalHeaderKey(name)] = values
		return x
	}
	refused := exchange("GET", "/api/v1/roles", "", 429, `{"error":"a","message":"b"}`)
	refused.ResponseHeader.Set("Retry-After", "soon")
	html := get(`{"success":true,"data":{` + key + `}}`)
	html.ResponseHeader.Set("Content-Type", "text/html")

	for _, tt := range []struct {
		name string
		x    faulty.Exchange
		want string // part of the violation; "" for none
	}{
		{"get", get(`{"success":true,"data":{` + key + `}}`), ""},
		{"every kind of field", get(`{"success":true,"data":{` + key + `,"scope":"public","created_at":"2026-10-09T08:07:06Z","project_accesses":[{"project_id":"` + id + `"}]}}`), ""},
		{"list", list("?limit=1&offset=2&scope=public"), ""},
		{"create", create(`{"name":"a","role_id":"` + id + `","expires_at":"2026-10-09T08:07:06+01:00"}`), ""},
		{"invite", member(`{"email":"a@b.example","role_id":"` + id + `"}`), ""},
		{"delete", remove(200, `{"success":true,"message":"a"}`), ""},
		{"delete without body", remove(204, ""), ""},
		{"not found", remove(404, `{"error":"Not Found","message":"a"}`), ""},
		{"not carried out", remove(0, ""), ""},
		{"project", header(remove(0, ""), "X-Project-ID", id), ""},

		{"operation", exchange("GET", "/api/v1/keys", "", 0, ""), "no such operation"},
		{"method", exchange("PUT", "/api/v1/api-keys", "{}", 0, ""), "no such operation"},
		{"slash", exchange("GET", "/api/v1/api-keys/", "", 0, ""), "id"},
		{"ID", exchange("GET", "/api/v1/api-keys/x", "", 0, ""), "UUID"},
		{"unknown parameter", list("?page=2"), "page"},
		{"parameter of another operation", list("?status=active"), "status"},
		{"type of parameter", list("?limit=many"), "limit"},
		{"value of parameter", list("?scope=private"), "scope"},
		{"parameter twice", list("?limit=1&limit=2"), "2 times"},
		{"no key", header(remove(0, ""), "X-API-Key"), "X-API-Key"},
		{"unknown header", header(remove(0, ""), "Idempotency-Key", "a"), "Idempotency-Key"},
		{"malformed project", header(remove(0, ""), "X-Project-ID", "p"), "X-Project-ID"},
		{"body where none is", exchange("POST", "/api/v1/api-keys/"+id+"/regenerate", "{}", 0, ""), "body"},
		{"no body", create(""), "body"},
		{"unknown field", create(`{"name":"a","color":"red"}`), "color"},
		{"missing field", create(`{"rate_limit_tier":"high"}`), "name"},
		{"null", create(`{"name":"a","role_id":null}`), "null"},
		{"empty change", exchange("PATCH", "/api/v1/api-keys/"+id, "{}", 0, ""), "minProperties"},
		{"value of field", create(`{"name":"a","rate_limit_tier":"huge"}`), "rate_limit_tier"},
		{"length of field", create(`{"name":"` + strings.Repeat("a", 129) + `"}`), "128"},
		{"UUID without hyphens", create(`{"name":"a","role_id":"` + strings.ReplaceAll(id, "-", "") + `"}`), "UUID"},
		{"time", create(`{"name":"a","expires_at":"tomorrow"}`), "date-time"},
		{"e-mail address", member(`{"email":"a","role_id":"` + id + `"}`), "e-mail"},
		{"two of one", member(`{"email":"a@b.example","api_key_id":"` + id + `","role_id":"` + id + `"}`), "oneOf"},
		{"none of one", member(`{"role_id":"` + id + `"}`), "target_user_id"},
		{"undescribed status", exchange("GET", "/api/v1/api-keys", "", 404, `{"error":"a"}`), "status"},
		{"status of success", exchange("GET", "/api/v1/api-keys", "", 201, `{"success":true,"data":[],"total":0}`), "status"},
		{"content type", html, "text/html"},
		{"header of response", refused, "Retry-After"},
		{"no data", get(`{"success":true}`), "data"},
		{"field of envelope", get(`{"success":true,"data":{` + key + `},"meta":{}}`), "meta"},
		{"field of response", get(`{"success":true,"data":{` + key + `,"secret":"raff_x"}}`), "secret"},
		{"inner field", get(`{"success":true,"data":{` + key + `,"project_accesses":[{"member_id":"` + id + `"}]}}`), "member_id"},
		{"field of element", exchange("GET", "/api/v1/api-keys", "", 200, `{"success":true,"data":[{`+key+`,"x":1}],"total":1}`), "x"},
		{"type of field", get(`{"success":true,"data":{` + key + `,"scope":1}}`), "scope"},
		{"field of error", remove(404, `{"error":"Not Found","message":"a","meta":1}`), "meta"},
		{"UUID in response", get(`{"success":true,"data":{` + strings.Replace(key, id, "1", 1) + `}}`), "UUID"},
		{"body of 204", remove(204, "{}"), "body"},
		{"truncated", get(`{"success":true,"data":{`), "decode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			violations := c.Check(tt.x)
			text := fmt.Sprint(violations)
			switch {
			case tt.want == "" && len(violations) > 0:
				t.Errorf("got %s, want none", text)
			case tt.want != "" && (len(violations) == 0 || !strings.Contains(text, tt.want)):
				t.Errorf("got %s, want one about %q", text, tt.want)
			}
		})
	}
}

// Watch reports the sandbox's own response, not what a fault makes of it, and also a request
// that a fault keeps from the sandbox.
func TestWatch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault faulty.Fault
		path  string
		fails bool
	}{
		{"as described", faulty.Fault{Skip: 9}, "/api/v1/api-keys?limit=1", false},
		{"broken response", faulty.Fault{Status: 200, Body: "<html>", After: true}, "/api/v1/api-keys", false},
		{"edited response", faulty.Fault{Set: map[string]any{"id": 5, "total": "x"}}, "/api/v1/api-keys", false},
		{"offset ignored", faulty.Fault{IgnoreOffset: true}, "/api/v1/api-keys?offset=1", false},
		{"wrong request", faulty.Fault{Skip: 9}, "/api/v1/api-keys?page=1", true},
		{"wrong request, lost", faulty.Fault{Cut: true}, "/api/v1/api-keys?page=1", true},
		{"wrong offset, ignored", faulty.Fault{IgnoreOffset: true}, "/api/v1/api-keys?offset=x", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := faulty.Wrap(sandbox.New())
			r := &recorder{TB: t}
			log := contract.Watch(r, api, description)
			api.Fail(tt.fault)
			req, err := http.NewRequestWithContext(t.Context(), "GET", "https://api.example"+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-API-Key", api.OwnerKey().Reveal())
			if res, err := api.Transport().RoundTrip(req); err == nil {
				res.Body.Close()
			}
			if r.failed != tt.fails {
				t.Errorf("failed: %t, want %t", r.failed, tt.fails)
			}
			if got := fmt.Sprint(log.Operations()); got != "[listApiKeys]" {
				t.Errorf("got operations %s", got)
			}
		})
	}
}

// recorder is a test that records its failure.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
