package raffclient

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
)

const (
	// pageSize is the default of most of the API's lists. No maximum is documented.
	pageSize = 50
	// maxPages bounds a list that never ends.
	maxPages = 1000
)

// addFilters adds filters, which are alternating names and values, to q. It omits empty
// values.
func addFilters(q url.Values, filters []string) {
	for i := 0; i+1 < len(filters); i += 2 {
		if filters[i+1] != "" {
			q.Set(filters[i], filters[i+1])
		}
	}
}

// page is one response of a list.
type page[T any] struct {
	items []T // without those of earlier pages
	response
}

// listing describes a list of the API.
type listing[T any] struct {
	path    []string
	id      func(T) string
	filters []string // see addFilters
	// distrustTotal makes pages continue even if the total says that the list is
	// complete, because the total may be that of the page.
	distrustTotal bool
}

// pages yields the pages of a list from its start to its end. It omits items that it
// has yielded before: a list may change while it is read, and a server may ignore
// offset.
//
// A total alone does not mark the end, since it may be that of the page: the page
// must also be shorter than requested. If the list is certainly incomplete, the last
// error is ErrListIncomplete.
func pages[T any](ctx context.Context, c *Client, l listing[T]) iter.Seq2[page[T], error] {
	return func(yield func(page[T], error) bool) {
		seen := map[string]bool{}
		for n, offset, got := 0, 0, 0; ; n++ {
			q := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
			addFilters(q, l.filters)
			items, res, err := callList[T](ctx, c, request{method: "GET", path: l.path, query: q})
			if err != nil {
				yield(page[T]{}, err)
				return
			}
			fresh := newItems(items, seen, l.id)
			if !yield(page[T]{fresh, res}, nil) {
				return
			}
			offset += len(items)
			got += len(fresh)
			total := -1 // unknown, or contradicted by what arrived
			if res.total != nil && *res.total >= got {
				total = *res.total
			}
			short := len(items) < pageSize
			switch {
			case len(items) == 0 && total > got:
				yield(page[T]{}, listIncomplete("it ended after %d of %d", got, total))
				return
			case len(items) == 0, short && got == total && (!l.distrustTotal || total > len(items)):
				return
			case len(fresh) == 0 && (got == total || total < 0 && len(items) != pageSize):
				return // the server ignores offset, and the page is the whole list
			case len(fresh) == 0:
				yield(page[T]{}, listIncomplete("the API repeated itself after %d", got))
				return
			case n+1 == maxPages:
				yield(page[T]{}, listIncomplete("it was truncated after %d", got))
				return
			}
		}
	}
}

func listIncomplete(format string, args ...any) *Error {
	return &Error{kind: ErrListIncomplete, Message: fmt.Sprintf(format, args...)}
}

// newItems returns the items whose ID is not in seen, and adds the IDs to it. Items
// without an ID cannot be told apart, so it returns all of them.
func newItems[T any](items []T, seen map[string]bool, id func(T) string) []T {
	var fresh []T
	for _, item := range items {
		if key := id(item); key == "" || !seen[key] {
			seen[key] = true
			fresh = append(fresh, item)
		}
	}
	return fresh
}

// allItems yields the items of pages one by one.
func allItems[T any](pages iter.Seq2[page[T], error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p, err := range pages {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
