package tools

import (
	"cmp"
	"fmt"
	"iter"
)

// listInput is the part of the input that all lists have in common.
type listInput struct {
	Limit  int `json:"limit,omitempty" jsonschema:"minimum=1,maximum=200,default=50" jsonschema_description:"1 to 200."`
	Offset int `json:"offset,omitempty" jsonschema:"minimum=0,maximum=1000000,default=0" jsonschema_description:"next_offset of the previous result."`
}

const defaultLimit = 50

// pageOutput is a page of a list.
type pageOutput[T any] struct {
	summarized
	Total      int    `json:"total" `
	NextOffset int    `json:"next_offset,omitempty" `
	Items      []T    `json:"items"`
	noun       string // what the items are, for the summary
	none       string // the sentence for an empty list; "" is a general one
	note       string // a sentence for the end of the summary, after a space
	offset     int
}

func (o pageOutput[T]) summary() string { return o.extent() + o.note }

// extent says how much of the list this is.
func (o pageOutput[T]) extent() string {
	switch n := len(o.Items); {
	case o.Total == 0 && o.none != "":
		return o.none
	case o.Total == 0:
		return fmt.Sprintf("No %s match.", o.noun)
	case n == 0:
		return fmt.Sprintf("No %s from offset %d on: there are %d in all.", o.noun, o.offset, o.Total)
	case o.NextOffset != 0:
		return fmt.Sprintf("%d of %d %s. %d are left: call again with offset %d.", n, o.Total, o.noun, o.Total-o.NextOffset, o.NextOffset)
	case n < o.Total:
		return fmt.Sprintf("%d of %d %s. This is the end of the list.", n, o.Total, o.noun)
	case n == 1:
		return fmt.Sprintf("1 of 1 %s.", o.noun)
	default:
		return fmt.Sprintf("All %d %s that match.", n, o.noun)
	}
}

// list reads a whole list and returns the requested part of it, each item as lean returns
// it: what identifies it, and what a reader filters by. The API's own pages are not enough:
// the total and the end of a list are certain only after reading all of it.
func list[T, U any](noun string, in listInput, all iter.Seq2[T, error], lean func(T) U) (pageOutput[U], error) {
	var items []U
	for item, err := range all {
		if err != nil {
			return pageOutput[U]{}, err
		}
		items = append(items, lean(item))
	}
	return paginate(noun, in, items), nil
}

// paginate returns the requested part of a list.
func paginate[T any](noun string, in listInput, all []T) pageOutput[T] {
	from := min(in.Offset, len(all))
	to := min(from+cmp.Or(in.Limit, defaultLimit), len(all))
	o := pageOutput[T]{Items: append([]T{}, all[from:to]...), Total: len(all), noun: noun, offset: in.Offset}
	if to < len(all) {
		o.NextOffset = to
	}
	return o
}
