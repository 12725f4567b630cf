package stdio

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/internal/stdio/codec"
)

// Progress reports the progress of the call that ctx belongs to, if the client
// wants such reports. The notification is written before the response of the call.
// Progress that does not exceed what was reported before is dropped, because the
// protocol requires it to increase. A total of 0 and an empty message are omitted.
//
// Progress waits for the client to read. It writes nothing and returns an error if
// the call is cancelled meanwhile, or over.
func Progress(ctx context.Context, progress, total float64, message string) error {
	c, ok := callFrom(ctx)
	if !ok || c.ProgressToken == nil {
		return nil
	}
	params := map[string]any{"progressToken": json.RawMessage(c.ProgressToken), "progress": progress}
	if total != 0 {
		params["total"] = total
	}
	if message != "" {
		params["message"] = message
	}
	line, err := codec.EncodeNotification("notifications/progress", params)
	if err != nil {
		return fmt.Errorf("progress: %w", err)
	}
	return c.write(line, func() bool {
		if !(progress > c.progress) {
			return false
		}
		c.progress = progress
		return true
	})
}

// write writes a line before the response of c, unless c was cancelled or its
// response is being written. If wanted is not nil, write calls it with the lock of the
// output held, and writes nothing if it returns false.
func (c *call) write(line []byte, wanted func() bool) error {
	if !c.out.lock(c.ctx.Done()) {
		return context.Cause(c.ctx)
	}
	written := make(chan error, 1)
	go func() { // the write may block, but must not block a handler that is cancelled
		defer c.out.unlock()
		written <- c.writeLocked(line, wanted)
	}()
	select {
	case err := <-written:
		return err
	case <-c.ctx.Done():
		return context.Cause(c.ctx)
	}
}

func (c *call) writeLocked(line []byte, wanted func() bool) error {
	if !c.is(callOpen) {
		return context.Cause(c.ctx)
	}
	if wanted != nil && !wanted() {
		return nil
	}
	return c.out.write(line)
}
