package faulty_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// A Handler wraps any handler, not only a sandbox.
func TestHandler(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Host", r.Host)
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(body)
	})
	h := faulty.New(echo)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.Record(true)
	for _, tt := range []struct {
		name      string
		transport http.RoundTripper
		url       string
	}{
		{"transport", h.Transport(), "https://api.example/x"},
		{"server", server.Client().Transport, server.URL + "/x"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h.Fail(faulty.Fault{Method: "POST", Skip: 1, Status: http.StatusBadGateway, After: true})
			client := &http.Client{Transport: tt.transport}
			for _, want := range []int{http.StatusTeapot, http.StatusBadGateway, http.StatusTeapot} {
				resp, err := client.Post(tt.url, "text/plain", strings.NewReader("hello"))
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != want {
					t.Errorf("status %d and error %v, want %d", resp.StatusCode, err, want)
				}
				if want == http.StatusTeapot && (string(body) != "hello" || !strings.HasSuffix(tt.url, resp.Header.Get("X-Host")+"/x")) {
					t.Errorf("body %q, host %q", body, resp.Header.Get("X-Host"))
				}
			}
			requests := h.Requests()
			if last := requests[len(requests)-1]; string(last.Body) != "hello" || last.Status != http.StatusTeapot {
				t.Errorf("recorded %+v", last)
			}
		})
	}
}

// Raw sends bytes as they are, and then nothing more.
func TestRaw(t *testing.T) {
	server := httptest.NewServer(faulty.Raw("HTTP/1.1 299 Odd\r\n\r\nuntil the end"))
	t.Cleanup(server.Close)
	res, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 299 || string(body) != "until the end" {
		t.Errorf("got status %d, %q, %v", res.StatusCode, body, err)
	}
}
