package sandbox

import "slices"

// table contains the resources of one kind in the order of creation.
type table[R any] []R

// find returns the first resource that matches.
func (t table[R]) find(match func(R) bool) (R, bool) {
	if i := slices.IndexFunc(t, match); i >= 0 {
		return t[i], true
	}
	var none R
	return none, false
}

// contains reports whether a resource matches.
func (t table[R]) contains(match func(R) bool) bool { return slices.ContainsFunc(t, match) }

// filter returns the resources that match.
func (t table[R]) filter(match func(R) bool) table[R] {
	var matching table[R]
	for _, r := range t {
		if match(r) {
			matching = append(matching, r)
		}
	}
	return matching
}

// remove removes the resources that match.
func (t *table[R]) remove(match func(R) bool) { *t = slices.DeleteFunc(*t, match) }

// convert returns the results of f for all resources. It is never nil, so that it is a list
// in JSON.
func convert[R, T any](resources []R, f func(R) T) []T {
	converted := make([]T, 0, len(resources))
	for _, r := range resources {
		converted = append(converted, f(r))
	}
	return converted
}
