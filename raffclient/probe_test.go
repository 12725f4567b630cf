package raffclient_test

import (
	"errors"
	"net"
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

// An API that is not there is reported at once.
func TestProbeUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	start := time.Now()
	p, err := newClient(t, impatient("http://"+l.Addr().String(), "raff_0123456789")).Probe(t.Context())
	if p.Status != 0 || !errors.Is(err, raffclient.ErrUnreachable) || time.Since(start) > 900*time.Millisecond {
		t.Errorf("got %+v, %v after %v", p, err, time.Since(start))
	}
}
