package sandbox

import (
	"net/http"
	"slices"
)

// Exchange is a request that reached the API, with the API's own response to it:
// what a fault makes of the response afterwards is not in it. Status is 0 if the
// request did not take effect because of a fault.
type Exchange struct {
	Request
	ResponseHeader http.Header
	ResponseBody   []byte
}

// Watch makes the API call f with each exchange from now on, in the goroutine that
// serves the request. f must not call the API. Nil ends it.
func (a *API) Watch(f func(Exchange)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.watch = f
}

// show tells the watcher of a request and of the API's own answer to it.
func (a *API) show(req request, ans answer) {
	a.mu.Lock()
	watch, now := a.watch, a.now()
	a.mu.Unlock()
	if watch == nil {
		return
	}
	x := Exchange{Request: req.public(now), ResponseHeader: ans.header.Clone(), ResponseBody: slices.Clone(ans.body)}
	x.Status = ans.status
	watch(x)
}
