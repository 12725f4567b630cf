package tools

import (
	"cmp"
	"fmt"
	"iter"
)

// listInput is the part of the input that all lists have in common.
type listInput struct {
	Limit  int `json:"limit,omitempty" jsonschema:"minimum=1,maximum=200,default=50" jsonschema_description:"How many to return."`
	Offset int `json:"offset,omitempty" jsonschema:"minimum=0,maximum=1000000,default=0" jsonschema_description:"How many to skip; pass next_offset from the previous result."`
}

const defaultLimit = 50

// pageOutput is a page of a list.
type pageOutput[T any] struct {
	Items      []T    `json:"items"`
	Total      *int   `json:"total,omitempty" jsonschema_description:"Of the whole list, if Raff reports it."`
	NextOffset int    `json:"next_offset,omitempty" jsonschema_description:"Present if there is, or may be, more."`
	noun       string // for the items, in the summary
}

func (o pageOutput[T]) summary() string {
	text := fmt.Sprintf("%d %s", len(o.Items), o.noun)
	if o.Total != nil {
		text = fmt.Sprintf("%d of %d %s", len(o.Items), *o.Total, o.noun)
	}
	if o.NextOffset != 0 {
		return text + fmt.Sprintf(". There may be more: call again with offset %d.", o.NextOffset)
	}
	return text + ". That is the end of the list."
}

// list reads a whole list and returns the requested part. The API's own pages are not
// enough: the total and the end of a list are certain only after reading all of it.
func list[T any](noun string, in listInput, all iter.Seq2[T, error]) (pageOutput[T], error) {
	var items []T
	for item, err := range all {
		if err != nil {
			return pageOutput[T]{}, err
		}
		items = append(items, item)
	}
	return paginate(noun, in, items), nil
}

// paginate returns the requested part of a list.
func paginate[T any](noun string, in listInput, all []T) pageOutput[T] {
	total := len(all)
	from := min(in.Offset, total)
	to := min(from+cmp.Or(in.Limit, defaultLimit), total)
	o := pageOutput[T]{Items: append([]T{}, all[from:to]...), Total: &total, noun: noun}
	if to < total {
		o.NextOffset = to
	}
	return o
}
