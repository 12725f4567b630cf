package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/tools"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// offeredDestinations returns the destinations that a call can choose, without their methods.
func offeredDestinations(list []config.Destination) (offered []tools.Destination) {
	for _, d := range list {
		offered = append(offered, tools.Destination{Name: d.Name, Kind: d.Kind, Description: d.Description})
	}
	return offered
}

// addDestinations prepares the delivery to each destination. It checks nothing.
func (s *session) addDestinations(ctx context.Context) error {
	for i, d := range s.cfg.Destinations {
		m, err := delivery.New(ctx, s.destinationConfig(d))
		if err != nil {
			return usageError{err}
		}
		s.tools.Destinations[i].Method = m
	}
	return nil
}

// destinationConfig returns how secrets are delivered to a destination.
func (s *session) destinationConfig(d config.Destination) delivery.Config {
	kind := d.Kind
	if kind == "file" { // for --secrets, that is a file of its own for each secret
		kind = "one-file"
	}
	return delivery.Config{
		Delivery:    kind,
		Destination: d.Name,
		Command:     d.Command,
		Path:        d.Path,
		Variable:    d.Variable,
		Locks:       d.Locks,
		Recovery:    s.cfg.Secrets.Recovery,
		Logger:      s.log,
	}
}

// checkDestinations logs, in the background, which destinations do not work. The function
// that it returns ends that.
func (s *session) checkDestinations(ctx context.Context) (stop func()) {
	if t, err := findTool("create_api_key"); err != nil || !s.tools.Offers(t) {
		return func() {} // no tool delivers anything
	}
	ctx, cancel := context.WithCancel(ctx)
	var checks sync.WaitGroup
	checks.Go(func() { // one after the other, to leave the machine to the client's first calls
		for _, d := range s.tools.Destinations {
			if err := d.Method.Check(ctx); err != nil && ctx.Err() == nil {
				if notReady, ok := errors.AsType[*delivery.NotReadyError](err); ok {
					err = notReady.Err
				}
				s.log.Warn("a destination does not work: secrets cannot be delivered there until that is fixed", "destination", d.Name, "problem", err)
			}
		}
	})
	return func() { cancel(); checks.Wait() }
}
