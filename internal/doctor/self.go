package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// SelfConfig configures Self.
type SelfConfig struct {
	// Config is the configuration of this process. It is not used if Err is set.
	Config config.Config
	// Err is why there is no configuration.
	Err error
	// KeyProblem says in two sentences why there is no usable key; nil if there is one, and
	// in the sandbox.
	KeyProblem error
	// KeyFile is the path of the file that contains the server's key, if it is configured
	// by its path, or "".
	KeyFile string
	// Home is the user's home directory, or "" if there is none.
	Home string
	// Client calls the API. It is nil without a usable key, and not used in the sandbox.
	Client *raffclient.Client
	// Delivery is how new secrets are delivered.
	Delivery delivery.Config
	// Rehearse delivers a made-up secret.
	Rehearse bool
}

// selfChecks are the checks of Self.
var selfChecks = []string{"configuration", "files", "api", "clock", "delivery"}

// Self checks the configuration, the files and the delivery of this process, and that it
// reaches the API.
func Self(ctx context.Context, c SelfConfig) Result {
	r := newResult(Entry{Title: "raff-mcp itself, in this environment"})
	if c.Err != nil {
		what, fix := splitMessage(clean(c.Err.Error()))
		r.fail("configuration", what, fix)
		c.checkFiles(&r)
		r.skip("api", "clock", "delivery")
		return r
	}
	c.checkConfiguration(&r)
	c.checkFiles(&r)
	c.checkAPI(ctx, &r)
	c.checkDelivery(ctx, &r)
	return r
}

func (c SelfConfig) checkConfiguration(r *Result) {
	ok := true
	for _, warning := range c.Config.Warnings {
		if strings.HasPrefix(warning, "other users can read") { // see checkFiles
			continue
		}
		what, fix := splitMessage(clean(warning))
		r.fail("configuration", what, fix)
		ok = false
	}
	if ok {
		r.pass("configuration", "valid")
	}
}

// maxAhead is how far clocks may differ. An expiry is set in days or hours, so that
// minutes do no harm, but the signatures and certificates of others may fail.
const maxAhead = 2 * time.Minute

// checkAPI sends one request, which shows whether the API can be reached, and its clock.
func (c SelfConfig) checkAPI(ctx context.Context, r *Result) {
	switch {
	case c.Config.Sandbox:
		r.pass("api", "the sandbox, in memory: nothing is sent")
		r.pass("clock", "the sandbox uses that of this computer")
		return
	case c.KeyProblem != nil:
		what, fix := splitMessage(clean(c.KeyProblem.Error()))
		r.fail("key", what, fix)
		r.skip("api", "clock")
		return
	}
	name := c.Config.APIURL
	if name == "" {
		name = raffclient.DefaultBaseURL
	}
	name = clean(name)
	p, err := c.Client.Probe(ctx)
	if p.Status == 0 && err != nil {
		r.fail("api", fmt.Sprintf("%s was not reached: %s", name, clean(err.Error())),
			"Check the network, the proxy (HTTPS_PROXY) and the address (--api-url or RAFF_API_URL).")
		r.skip("clock")
		return
	}
	switch {
	case isAboutKey(err): // the address is right
		r.pass("api", "%s responds (%d)", name, p.Status)
	case err != nil:
		r.fail("api", fmt.Sprintf("%s: %s", name, clean(err.Error())), "Check that the address is that of Raff's API (--api-url or RAFF_API_URL). If it is, try again later.")
	default:
		r.pass("api", "%s responded in %v", name, p.Took.Round(time.Millisecond))
	}
	checkClock(r, p)
}

// isAboutKey reports whether the API refuses the request because of the key or the project.
func isAboutKey(err error) bool {
	return slices.ContainsFunc([]error{raffclient.ErrUnauthorized, raffclient.ErrForbidden, raffclient.ErrBilling, raffclient.ErrRateLimited, raffclient.ErrProjectRequired},
		func(kind error) bool { return errors.Is(err, kind) })
}

func checkClock(r *Result, p raffclient.Probe) {
	direction := "behind"
	if p.Ahead < 0 {
		direction = "ahead of"
	}
	switch {
	case !p.HasDate:
		r.pass("clock", "not known: the API's response contains no date")
	case p.Ahead.Abs() > maxAhead:
		r.fail("clock", fmt.Sprintf("the clock of this computer is %v %s that of the API, so that keys would expire at another time than you mean", p.Ahead.Abs().Round(time.Second), direction),
			"Set the clock, or turn on its synchronization over the network.")
	default:
		r.pass("clock", "agrees with the API's to within %v", max(p.Ahead.Abs().Round(time.Second), time.Second))
	}
}

// checkDelivery checks how new secrets are delivered.
func (c SelfConfig) checkDelivery(ctx context.Context, r *Result) {
	m, err := delivery.New(ctx, c.Delivery)
	if err == nil {
		err = m.Ready(ctx)
	}
	if err != nil {
		r.fail("delivery", clean(err.Error()), "Fix what it names, or have secrets delivered elsewhere (--secrets).")
		if c.Rehearse {
			r.skip("rehearsal")
		}
		return
	}
	if m.Inline() {
		r.pass("delivery", "inline: new secrets are in the result of the tool, where the assistant can read them")
		if c.Rehearse {
			r.pass("rehearsal", "nothing to rehearse, because secrets are delivered inline")
		}
		return
	}
	r.pass("delivery", "%s: ready", c.Delivery.Delivery)
	if c.Rehearse {
		rehearse(ctx, r, m)
	}
}

// rehearse delivers a made-up secret and shows what happened.
func rehearse(ctx context.Context, r *Result, m *delivery.Method) {
	done, err := m.Rehearse(ctx)
	check := Check{Name: "rehearsal", OK: err == nil, Details: showSecret(done.Output, done.Secret)}
	switch {
	case err != nil && done.Output != "":
		check.Text = fmt.Sprintf("a made-up secret could not be delivered: %s", clean(err.Error()))
		check.Fix = "Fix what the command says, below."
	case err != nil:
		check.Text = fmt.Sprintf("a made-up secret could not be delivered, and nothing was printed: %s", clean(err.Error()))
		check.Fix = "Fix what it names."
	case done.Left != "":
		check.Text = fmt.Sprintf("a made-up secret was delivered (%s). %s", clean(done.Location), clean(done.Left))
	default:
		check.Text = fmt.Sprintf("a made-up secret was delivered (%s) and removed", clean(done.Location))
	}
	r.add(check)
}

// showSecret returns the lines of an output. The made-up secret is replaced by its
// description, because it looks like a key, and what looks like a key is not shown.
func showSecret(output, secret string) []string {
	if secret == "" {
		return nil
	}
	return cleanLines(strings.ReplaceAll(output, secret, "[the made-up secret]"), maxLines)
}
