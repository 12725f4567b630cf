package tools

import (
	"context"
	"sync/atomic"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// logUnfinished logs the message, with the key, if the server ends before finished
// is called: a request that makes a secret is on its way, and nobody will read the
// answer to it.
func (e *env) logUnfinished(ctx context.Context, message string, key delivery.Key) (finished func()) {
	var done atomic.Bool
	stdio.OnUndelivered(ctx, func(_ context.Context, why stdio.Reason) {
		if why == stdio.NoResponse && !done.Load() {
			key.Name = e.client.Sanitize(key.Name)
			e.log.Error(message, "key", key)
		}
	})
	return func() { done.Store(true) }
}
