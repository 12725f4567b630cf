package faulty_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/sandboxtest"
)

func TestRequests(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		c := sandboxtest.NewClock(s.API)
		s.Owner("GET", "/health", "")
		if got := s.API.Requests(); len(got) != 0 {
			t.Errorf("recorded although recording is off: %v", got)
		}
		s.API.Record(true)
		s.Owner("POST", "/api/v1/api-keys?a=b", sandboxtest.CreateBody)
		c.Pass(time.Second)
		s.API.Fail(faulty.Fault{Cut: true})
		_, _ = s.Try(s.Request("", "DELETE", "/api/v1/api-keys/a%2Fb", ""))
		s.API.Record(false)
		s.Owner("GET", "/health", "")

		got := s.API.Requests()
		if len(got) != 2 {
			t.Fatalf("%d requests recorded, want 2", len(got))
		}
		first, second := got[0], got[1]
		if first.Method != "POST" || first.Path != "/api/v1/api-keys" || first.Query.Get("a") != "b" ||
			string(first.Body) != sandboxtest.CreateBody || first.Status != http.StatusCreated ||
			first.Header.Get("X-API-Key") != s.API.OwnerKey().Reveal() || !strings.HasSuffix(s.Base, "//"+first.Host) {
			t.Errorf("first request %+v", first)
		}
		if second.Path != "/api/v1/api-keys/a%2Fb" || second.Status != 0 || second.Time.Sub(first.Time) != time.Second {
			t.Errorf("second request %+v", second)
		}
		first.Header.Set("X-API-Key", "changed")
		if s.API.Requests()[0].Header.Get("X-API-Key") == "changed" {
			t.Error("a change of what Requests returned changed the record")
		}
	})
}
