package raffclient_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

const newSecret = "raff_0123456789abcdef0123456789abcdef"

// A secret is found, whatever surrounds it.
func TestSecretIsFoundInUnexpectedResponses(t *testing.T) {
	const key = `{"id":"1","name":"ci","secret":"` + newSecret + `"}`
	far := strings.Repeat("x", 5000)
	for _, tt := range []struct{ name, body string }{
		{"as documented", `{"success":true,"data":` + key + `}`},
		{"byte order mark", "\ufeff" + `{"success":true,"data":` + key + `}`},
		{"byte order mark, secret far behind", "\ufeff" + `{"data":{"x":"` + far + `","secret":"` + newSecret + `"}}`},
		{"guard", ")]}',\n" + `{"success":true,"data":` + key + `}`},
		{"beside data", `{"success":true,"secret":"` + newSecret + `","data":{"id":"1"}}`},
		{"in data.api_key", `{"success":true,"data":{"api_key":` + key + `}}`},
		{"data is a list", `{"success":true,"data":[` + key + `]}`},
		{"NaN before", `{"data":{"x":NaN,"secret":"` + newSecret + `"}}`},
		{"NaN long before", `{"data":{"x":NaN,"y":"` + far + `","secret":"` + newSecret + `"}}`},
		{"twice, then empty", `{"data":{"secret":"` + newSecret + `","secret":""}}`},
		{"twice, then null", `{"data":{"secret":"` + newSecret + `","secret":null}}`},
		{"data twice, then empty", `{"data":` + key + `,"data":{}}`},
		{"masked beside it", `{"data":{"secret":"` + newSecret + `","Secret":"[masked]"}}`},
		{"masked before it", `{"data":{"SECRET":"[masked]","secret":"` + newSecret + `"}}`},
		{"escaped", `{"data":{"secret":"` + strings.ReplaceAll(newSecret, "_", `\u005f`) + `"}}`},
		{"space", "{\"data\":{\"secret\"\n:\t\"" + newSecret + `"}}`},
		{"not successful", `{"success":false,"data":` + key + `}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				posts := 0
				c := newClient(t, raffclient.Config{
					APIKey: raffclient.NewSecret("raff_x"),
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						if r.Method == "POST" {
							posts++
						}
						return jsonResponse(201, tt.body), nil
					}),
				})
				key, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
				if err != nil || key.Secret.Reveal() != newSecret || key.Prefix() != newSecret[:13] || posts != 1 {
					t.Errorf("creation: got %d characters, prefix %q, %v after %d requests", len(key.Secret.Reveal()), key.Prefix(), err, posts)
				}
				key, err = c.RegenerateAPIKey(t.Context(), raffclient.APIKey{ID: "1", Name: "ci"})
				if err != nil || key.Secret.Reveal() != newSecret {
					t.Errorf("regeneration: got %d characters, %v", len(key.Secret.Reveal()), err)
				}
			})
		})
	}
}

// The client's own key, returned as a new secret, is not handed out: what the
// request made, if anything, has another one.
func TestSecretThatIsTheOwnKey(t *testing.T) {
	const own = "raff_00000000000000000000000000000000"
	for _, body := range []string{
		`{"data":{"id":"1","name":"ci","secret":"` + own + `"}}`,
		`{"data":{"id":"1","name":"ci","secret":"` + strings.ReplaceAll(own, "_", `\u005f`) + `"}}`,
	} {
		c := newClient(t, raffclient.Config{
			APIKey: raffclient.NewSecret(own),
			Transport: roundTripper(func(*http.Request) (*http.Response, error) {
				return jsonResponse(201, body), nil
			}),
		})
		key, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
		if lost := lookedUp(t, err); !key.Secret.IsZero() || len(lost.Found) != 1 || lost.Found[0].ID != "1" {
			t.Errorf("%s: got %q, %v; want a key without a secret", body, key.Secret.Reveal(), err)
		}
		if text := fmt.Sprintf("%+v", err); strings.Contains(text, own) {
			t.Errorf("the own key is in %s", text)
		}
	}
}

// A response is complete when its JSON is: the rest of an announced body is not
// waited for.
func TestResponseShorterThanAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = `{"success":true,"data":{"id":"1","secret":"` + newSecret + `"}}`
		c := newClient(t, raffclient.Config{
			APIKey: raffclient.NewSecret("raff_x"), BaseURL: "http://localhost",
			Transport: piped(t, "HTTP/1.1 201 Created\r\nContent-Length: 9999\r\n\r\n"+body),
		})
		start := time.Now()
		key, err := c.CreateAPIKey(t.Context(), raffclient.CreateAPIKeyRequest{Name: "ci"})
		if took := time.Since(start); err != nil || key.Secret.Reveal() != newSecret || took > time.Second {
			t.Errorf("got %v after %v, want the secret at once", err, took)
		}
	})
}

// piped returns a real transport to a server that sends the same response on every
// connection, and then keeps it open.
func piped(t *testing.T, response string) *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		t.Cleanup(func() { server.Close() })
		go func() {
			r, err := http.ReadRequest(bufio.NewReader(server))
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(server, response)
		}()
		return client, nil
	}}
}
