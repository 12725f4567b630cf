package tools

import (
	"cmp"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// listInput is the part of a list's input that all lists have.
type listInput struct {
	Limit  int `json:"limit,omitempty" jsonschema:"minimum=1,maximum=200,default=50" jsonschema_description:"How many to return."`
	Offset int `json:"offset,omitempty" jsonschema:"minimum=0,maximum=1000000,default=0" jsonschema_description:"How many to skip; pass next_offset from the previous result."`
}

const defaultLimit = 50

func (in listInput) rng() raffclient.Range {
	return raffclient.Range{Limit: cmp.Or(in.Limit, defaultLimit), Offset: in.Offset}
}

// listOutput is a part of a list.
type listOutput[T any] struct {
	Items      []T    `json:"items"`
	Total      *int   `json:"total,omitempty" jsonschema_description:"Of the whole list, if Raff reports it."`
	NextOffset int    `json:"next_offset,omitempty" jsonschema_description:"Present if there is, or may be, more."`
	things     string // what the items are, for the summary
}

func (o listOutput[T]) summary() string {
	text := fmt.Sprintf("%d %s", len(o.Items), o.things)
	if o.Total != nil {
		text = fmt.Sprintf("%d of %d %s", len(o.Items), *o.Total, o.things)
	}
	if o.NextOffset != 0 {
		return text + fmt.Sprintf(". There may be more: call again with offset %d.", o.NextOffset)
	}
	return text + ". That is the end of the list."
}

// listed makes the output of one page of the API.
func listed[T any](things string, r raffclient.Range, p raffclient.Page[T], err error) (listOutput[T], error) {
	o := listOutput[T]{Items: p.Items, Total: p.Total, things: things}
	if err != nil {
		return o, err
	}
	if o.Items == nil {
		o.Items = []T{}
	}
	end := r.Offset + len(p.Items)
	if len(p.Items) > 0 && (p.Total == nil || end < *p.Total) {
		o.NextOffset = end
	}
	return o, nil
}

// cut makes the output of a list that was read whole.
func cut[T any](things string, r raffclient.Range, all []T) listOutput[T] {
	total := len(all)
	from := min(r.Offset, total)
	to := min(from+r.Limit, total)
	o := listOutput[T]{Items: append([]T{}, all[from:to]...), Total: &total, things: things}
	if to < total {
		o.NextOffset = to
	}
	return o
}
