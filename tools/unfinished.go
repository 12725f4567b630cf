package tools

import (
	"context"
	"sync/atomic"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// logUnfinished logs the message with the key if the server ends before finished is called:
// a request that creates a secret is then in flight, and nobody will read the response.
func (d *deps) logUnfinished(ctx context.Context, message string, key delivery.Key) (finished func()) {
	var done atomic.Bool
	stdio.OnUndelivered(ctx, func(_ context.Context, why stdio.Reason) {
		if why == stdio.ErrorResponse {
			return
		}
		if !done.Load() {
			key.Name = d.client.Sanitize(key.Name)
			d.log.Error(message, "key", key)
		}
	})
	return func() { done.Store(true) }
}
