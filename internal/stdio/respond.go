package stdio

import (
	"context"
	"encoding/json"
)

// complete counts a call of x that has its response. The last one responds to x.
func (d *dispatcher) complete(x *exchange) {
	if x.complete() {
		d.respond(x)
	}
}

// respond writes the responses to x and ends it. It blocks while the client does not
// read; meanwhile, calls continue, and messages are read until the goroutine of the
// reader has a response to write itself.
func (d *dispatcher) respond(x *exchange) {
	written := d.writeResponses(x)
	waiting, undelivered := d.calls.end(x, written)
	for _, w := range waiting {
		d.complete(w)
	}
	if len(undelivered) == 0 {
		d.admission.release(&x.reservation)
		return
	}
	go func() {
		d.runUndelivered(undelivered)
		d.admission.release(&x.reservation)
	}()
}

// writeResponses writes the notifications that mcp-go has sent, because x may have
// caused them, and the responses to x. While it waits for the output, calls can still
// be cancelled. It returns false if a write failed.
func (d *dispatcher) writeResponses(x *exchange) bool {
	if len(x.calls) == 0 || !d.out.lock(x.cancelled()) {
		return true
	}
	defer d.out.unlock()
	for range len(d.session.notifications) {
		n := <-d.session.notifications
		d.guard(n.Method, func() {
			if line, err := json.Marshal(n); err == nil {
				_ = d.out.write(line) // the next write fails as well
			}
		})
	}
	claimed := d.calls.claim(x)
	defer d.calls.unclaim()
	return len(claimed) == 0 || d.out.write(x.encode(claimed)) == nil
}

// runUndelivered runs functions that were registered with OnUndelivered.
func (d *dispatcher) runUndelivered(fs []func(context.Context)) {
	for _, f := range fs {
		d.guard("undelivered", func() { f(d.ctx) })
	}
}
