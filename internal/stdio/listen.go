package stdio

import (
	"encoding/json"

	"github.com/mark3labs/mcp-go/mcp"
)

// listen runs a subscription. It has a session of its own, by which mcp-go sends it
// what was subscribed to and nothing else. What comes is written by the goroutine
// that in the end completes the call, so nothing comes after the answer.
func (c *conn) listen(cl *call) {
	defer c.complete(cl.exchange)
	defer cl.stop()
	s := newSession()
	s.used(cl.version)
	if err := c.server.RegisterSession(cl.ctx, s); err != nil {
		c.log.Error("subscription has no session", "error", err)
	}
	defer c.server.UnregisterSession(cl.ctx, s.id)
	cl.ctx = c.server.WithContext(cl.ctx, s)

	done := make(chan struct{})
	go func() {
		defer close(done)
		c.work(cl)
	}()
	for {
		select {
		case n := <-s.notifications:
			c.forward(cl, n)
		case <-done:
			for range len(s.notifications) {
				c.forward(cl, <-s.notifications)
			}
			return
		}
	}
}

// forward writes a notification of the stream cl, with the id by which clients
// tell streams apart.
func (c *conn) forward(cl *call, n mcp.JSONRPCNotification) {
	meta := map[string]any{}
	for k, v := range n.Params.Meta {
		meta[k] = v
	}
	meta[mcp.MetaKeySubscriptionID] = cl.id
	n.Params.Meta = meta
	line, err := json.Marshal(n)
	if err == nil {
		err = c.notify(cl, line, nil)
	}
	if err != nil {
		c.log.Debug("notification not written", "method", n.Method, "error", err)
	}
}
