package sandbox

import "strconv"

// paginate returns the response of a list operation: the elements that limit and offset
// select, and the total.
func paginate[T any](c call, all []T, defaultLimit int) (any, error) {
	page, err := pageOf(c, all, defaultLimit)
	return withTotal(page, len(all)), err
}

// pageOf returns the elements that limit and offset select. No maximum of limit is
// documented, so there is none; a value that is not a number in range is an error.
func pageOf[T any](c call, all []T, defaultLimit int) ([]T, error) {
	limit, err := c.number("limit", 1, defaultLimit)
	if err != nil {
		return nil, err
	}
	offset, err := c.number("offset", 0, 0)
	if err != nil {
		return nil, err
	}
	all = all[min(offset, len(all)):]
	return append([]T{}, all[:min(limit, len(all))]...), nil
}

// number returns a query parameter that is a number of at least minimum, or def if it was
// not sent.
func (c call) number(name string, minimum, def int) (int, error) {
	s := c.URL.Query().Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < minimum {
		return 0, badRequest("%s must be a whole number, %d or more", name, minimum)
	}
	return n, nil
}

// choice returns a query parameter that must have one of values, or "" if it was not sent.
func (c call) choice(name string, values ...string) (string, error) {
	s := c.URL.Query().Get(name)
	if s == "" {
		return "", nil
	}
	return s, checkOneOf(name, &s, values...)
}
