package faulty

import (
	"net/http"
	"slices"
)

// Exchange is a request with the response of the wrapped handler, before a fault
// changes or replaces it. Status is 0 if a fault kept the request from the handler.
type Exchange struct {
	Request
	ResponseHeader http.Header
	ResponseBody   []byte
}

// Watch makes the Handler call f with each exchange, in the goroutine that serves the
// request. f must not call the Handler. Nil stops it.
func (h *Handler) Watch(f func(Exchange)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watch = f
}

// report passes a request and the response of the wrapped handler to the watcher.
func (h *Handler) report(r *http.Request, body []byte, resp response) {
	h.mu.Lock()
	watch, now := h.watch, h.now()
	h.mu.Unlock()
	if watch == nil {
		return
	}
	x := Exchange{Request: newRequest(r, body, now), ResponseHeader: resp.header.Clone(), ResponseBody: slices.Clone(resp.body)}
	x.Status = resp.status
	watch(x)
}
