package raffclient_test

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// A probe measures the difference of the clocks, whether or not the key is accepted.
func TestProbe(t *testing.T) {
	for _, key := range []string{"", "raff_00000000000000000000000000000000"} {
		for _, ahead := range []time.Duration{0, 10 * time.Minute, -time.Hour} {
			api := sandbox.New()
			api.SetClock(func() time.Time { return time.Now().Add(ahead) })
			cfg := raffclient.Config{APIKey: api.OwnerKey(), Transport: api.Transport()}
			if key != "" {
				cfg.APIKey = raffclient.NewSecret(key)
			}
			p, err := newClient(t, cfg).Probe(t.Context())
			if (err != nil) != (key != "") || err != nil && (p.Status != 401 || !errors.Is(err, raffclient.ErrUnauthorized)) || err == nil && p.Status != 200 {
				t.Errorf("key %q: got %+v, %v", key, p, err)
			}
			if off := (p.Ahead - ahead).Abs(); !p.HasDate || off > 2*time.Second {
				t.Errorf("ahead %v: got %+v", ahead, p)
			}
		}
	}
}

// unreachable is a transport that reaches nothing.
type unreachable struct{ attempts int }

func (u *unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	u.attempts++
	return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
}

// An API that is not there is reported at once.
func TestProbeUnreachable(t *testing.T) {
	u := &unreachable{}
	p, err := newClient(t, raffclient.Config{APIKey: raffclient.NewSecret("raff_0123456789"), Transport: u}).Probe(t.Context())
	if p.Status != 0 || p.HasDate || !errors.Is(err, raffclient.ErrUnreachable) || u.attempts != 1 {
		t.Errorf("got %+v, %v after %d attempts", p, err, u.attempts)
	}
}
