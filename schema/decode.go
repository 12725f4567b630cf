package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Decode decodes a value that comes in. It accepts exactly what the published schema
// says, with these additions: absent arguments and null count as an empty object, and
// null for an optional property counts as absent. Formats are asserted; lengths count
// characters; a property must not occur twice; and depth and the length of numbers are
// limited. Numbers in an any are json.Number.
//
// ignored are top-level properties that are dropped, whatever their values, unless T has
// them: properties that some client is known to add.
//
// The error is a [Faults] that contains every fault, in the order of T's fields. It never
// contains the value of a property.
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

// build decodes the properties of object without findings into value.
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

// check returns the findings of the value's own rules. It skips those about a property that
// already has one, and those about the whole value if found contains anything but missing
// properties, since the value is then incomplete.
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
