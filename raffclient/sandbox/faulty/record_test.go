package faulty_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

func TestRequests(t *testing.T) {
	onBoth(t, func(t *testing.T, s session) {
		c := newClock(s.api)
		s.owner("GET", "/health", "")
		if got := s.api.Requests(); len(got) != 0 {
			t.Errorf("recorded although recording is off: %v", got)
		}
		s.api.Record(true)
		s.owner("POST", "/api/v1/api-keys?a=b", createBody)
		c.pass(time.Second)
		s.api.Fail(faulty.Fault{Cut: true})
		_, _ = s.try(s.request("", "DELETE", "/api/v1/api-keys/a%2Fb", ""))
		s.api.Record(false)
		s.owner("GET", "/health", "")

		got := s.api.Requests()
		if len(got) != 2 {
			t.Fatalf("%d requests recorded, want 2", len(got))
		}
		first, second := got[0], got[1]
		if first.Method != "POST" || first.Path != "/api/v1/api-keys" || first.Query.Get("a") != "b" ||
			string(first.Body) != createBody || first.Status != http.StatusCreated ||
			first.Header.Get("X-API-Key") != s.api.OwnerKey().Reveal() || !strings.HasSuffix(s.base, "//"+first.Host) {
			t.Errorf("first request %+v", first)
		}
		if second.Path != "/api/v1/api-keys/a%2Fb" || second.Status != 0 || second.Time.Sub(first.Time) != time.Second {
			t.Errorf("second request %+v", second)
		}
		first.Header.Set("X-API-Key", "changed")
		if s.api.Requests()[0].Header.Get("X-API-Key") == "changed" {
			t.Error("a change of what Requests returned changed the record")
		}
	})
}
