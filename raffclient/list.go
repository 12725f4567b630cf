package raffclient

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
)

const (
	// pageSize is what most of the API's lists default to; no maximum is
	// documented.
	pageSize = 50
	// maxPages bounds a list that has no end.
	maxPages = 1000
)

func addFilters(q url.Values, filters []string) {
	for i := 0; i+1 < len(filters); i += 2 {
		if filters[i+1] != "" {
			q.Set(filters[i], filters[i+1])
		}
	}
}

// page is one answer of a list that is read to its end.
type page[T any] struct {
	items []T
	response
}

// listing is a list that is read page by page to its end.
type listing[T any] struct {
	path    []string
	id      func(T) string
	filters []string // a name and a value each, left out if the value is ""
	// distrustTotal has the list read on even if the total says that this was all, in
	// case that is the length of the page.
	distrustTotal bool
}

// pages follows limit and offset to the end of a list. Items that came before
// are left out: a list may move while it is read, and a server may ignore
// offset. A total alone is not the end, since it may be that of the page; it has
// to come with a page that is shorter than what was asked for. A list that is
// certainly not whole ends with ErrListIncomplete.
func pages[T any](ctx context.Context, c *Client, l listing[T]) iter.Seq2[page[T], error] {
	return func(yield func(page[T], error) bool) {
		seen := map[string]bool{}
		for n, offset, got := 0, 0, 0; ; n++ {
			q := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
			addFilters(q, l.filters)
			items, a, err := callList[T](ctx, c, request{method: "GET", path: l.path, query: q})
			if err != nil {
				yield(page[T]{}, err)
				return
			}
			fresh := newItems(items, seen, l.id)
			if !yield(page[T]{fresh, a}, nil) {
				return
			}
			offset += len(items)
			got += len(fresh)
			total := -1 // unknown, also if it contradicts what arrived
			if a.total != nil && *a.total >= got {
				total = *a.total
			}
			short := len(items) < pageSize
			switch {
			case len(items) == 0 && total > got:
				yield(page[T]{}, listIncomplete("it ended after %d of %d", got, total))
				return
			case len(items) == 0, short && got == total && (!l.distrustTotal || total > len(items)):
				return
			case len(fresh) == 0 && (got == total || total < 0 && len(items) != pageSize):
				return // the server ignores offset, and this is all there is
			case len(fresh) == 0:
				yield(page[T]{}, listIncomplete("the API repeated itself after %d", got))
				return
			case n+1 == maxPages:
				yield(page[T]{}, listIncomplete("it was cut after %d", got))
				return
			}
		}
	}
}

func listIncomplete(format string, args ...any) *Error {
	return &Error{kind: ErrListIncomplete, Message: fmt.Sprintf(format, args...)}
}

// newItems returns the items whose ID is not in seen, and puts it there. Items
// without an ID cannot be told apart, and are all returned.
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
