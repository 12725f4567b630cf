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

// Page is one answer of a list.
type Page[T any] struct {
	Items []T
	Total *int // of the whole list; nil if the API did not say
}

// Range is a part of a list.
type Range struct {
	Limit  int // how many; 0: as many as the API likes
	Offset int // how many to leave out
}

func (r Range) query() url.Values {
	q := url.Values{}
	if r.Limit != 0 {
		q.Set("limit", strconv.Itoa(r.Limit))
	}
	if r.Offset != 0 {
		q.Set("offset", strconv.Itoa(r.Offset))
	}
	return q
}

// list gets one page, where each of the filters is a name and a value, left out
// if that is "".
func list[T any](ctx context.Context, c *Client, r Range, path []string, filters ...string) (Page[T], error) {
	q := r.query()
	addFilters(q, filters)
	items, a, err := call[[]T](ctx, c, request{method: "GET", path: path, query: q})
	return Page[T]{items, a.total}, err
}

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
	answer
}

// pages follows limit and offset to the end of a list. Items that came before
// are left out: a list may move while it is read, and a server may ignore
// offset. Where the API does not tell the total, only an empty page is the end: a
// short one may be as long as it likes them. A list whose pages do not add up ends
// with ErrListIncomplete.
func pages[T any](ctx context.Context, c *Client, path []string, id func(T) string, filters ...string) iter.Seq2[page[T], error] {
	return func(yield func(page[T], error) bool) {
		seen := map[string]bool{}
		for n, offset, got := 0, 0, 0; ; n++ {
			q := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(offset)}}
			addFilters(q, filters)
			items, a, err := call[[]T](ctx, c, request{method: "GET", path: path, query: q})
			if err != nil {
				yield(page[T]{}, err)
				return
			}
			fresh := unseen(items, seen, id)
			if !yield(page[T]{fresh, a}, nil) {
				return
			}
			offset += len(items)
			got += len(fresh)
			switch {
			case len(items) > 0 && len(fresh) == 0:
				yield(page[T]{}, incomplete("the API repeated itself after %d", got))
				return
			case a.total != nil && got >= *a.total, a.total == nil && len(items) == 0:
				return
			case len(items) == 0:
				yield(page[T]{}, incomplete("it ended after %d of %d", got, *a.total))
				return
			case n+1 == maxPages:
				yield(page[T]{}, incomplete("it was cut after %d", got))
				return
			}
		}
	}
}

func incomplete(format string, args ...any) *Error {
	return &Error{kind: ErrListIncomplete, Message: fmt.Sprintf(format, args...)}
}

// unseen returns the items whose ID is not in seen, and puts it there. Items
// without an ID cannot be told apart, and are all returned.
func unseen[T any](items []T, seen map[string]bool, id func(T) string) []T {
	var fresh []T
	for _, item := range items {
		if key := id(item); key == "" || !seen[key] {
			seen[key] = true
			fresh = append(fresh, item)
		}
	}
	return fresh
}

// each yields the items of pages one by one.
func each[T any](pages iter.Seq2[page[T], error]) iter.Seq2[T, error] {
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
