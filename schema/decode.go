package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Decode reads a value that came in. It accepts exactly what the published
// schema says, with these additions: absent arguments and null count as an empty
// object, and null for an optional property counts as absent. Formats are
// asserted; lengths count characters; a property must not be given twice; and
// there are limits on depth and on the length of numbers that only nonsense
// reaches. An any keeps numbers as json.Number.
//
// ignored are properties of the value itself that are dropped, whatever their values,
// unless T has them: what some sender is known to add on its own.
//
// The error is a [Faults] with everything that is wrong, in the order of T's
// fields. It never contains the value of a property.
func (s *Schema[T]) Decode(raw json.RawMessage, ignored ...string) (T, error) {
	var value, none T
	if err := s.input.decode(raw, ignored, &value); err != nil {
		return none, err
	}
	return value, nil
}

func (i *input) decode(raw json.RawMessage, ignored []string, value any) error {
	c, err := i.contract()
	if err != nil {
		return Faults{{Problem: "arguments cannot be checked: " + err.Error()}}
	}
	ignored = slices.DeleteFunc(slices.Clone(ignored), func(name string) bool { return known(c.root, name) })
	object, found, err := parse(raw, ignored)
	if err != nil {
		return Faults{{Problem: err.Error()}}
	}
	normalize(c.root, object)
	found = append(found, c.violations(object)...)

	err = build(value, object, found)
	if err == nil {
		found = append(found, check(value, found)...)
	}
	if len(found) > 0 {
		return c.describeAll(found)
	}
	if err != nil {
		return Faults{{Problem: "arguments conform to the schema but cannot be decoded"}}
	}
	return nil
}

// build decodes those properties of object in which nothing was found into value.
func build(value any, object map[string]any, found []finding) error {
	if len(found) > 0 {
		object = maps.Clone(object)
	}
	for _, f := range found {
		delete(object, f.property())
	}
	sound, err := json.Marshal(object)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(sound))
	d.UseNumber()
	return d.Decode(value)
}

// check returns what the value's own rules find, without a second fault for a
// property that has one, and without rules on the whole value if something was
// given that the value does not contain.
func check(value any, found []finding) []finding {
	checker, ok := value.(Checker)
	if !ok {
		return nil
	}
	incomplete := slices.ContainsFunc(found, func(f finding) bool {
		return f.what != any(missing{}) || len(f.at) > 1
	})
	var more []finding
	for _, fault := range checker.Check() {
		f := finding{at: fault.location(), what: fault}
		same := func(other finding) bool { return other.property() == f.property() }
		if f.property() == "" && incomplete || f.property() != "" && slices.ContainsFunc(found, same) {
			continue
		}
		more = append(more, f)
	}
	return more
}
