package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Decode decodes an object that conforms to the schema. In addition to what the schema
// permits, raw may be empty or null, which counts as an empty object, and an optional
// property may be null, which counts as absent. Decode asserts formats, counts lengths in
// characters, rejects a property that occurs twice, and limits the depth of the object and
// the length of numbers. A number in a field of type any becomes a json.Number.
//
// Decode ignores the top-level properties in ignored, unless T has them. They are
// properties that some client is known to add.
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
		delete(object, f.topLevelProperty())
	}
	valid, err := json.Marshal(object)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(valid))
	d.UseNumber()
	return d.Decode(value)
}

// check returns a finding for each fault that Checker reports. It skips faults of a property
// that already has a finding. It also skips faults of the value as a whole if found contains
// anything but missing properties, because the value is then incomplete.
func check(value any, found []finding) []finding {
	checker, ok := value.(Checker)
	if !ok {
		return nil
	}
	incomplete := slices.ContainsFunc(found, func(f finding) bool {
		return f.what != any(missing{}) || len(f.path) > 1
	})
	var more []finding
	for _, fault := range checker.Check() {
		f := finding{path: fault.location(), what: fault}
		same := func(other finding) bool { return other.topLevelProperty() == f.topLevelProperty() }
		if f.topLevelProperty() == "" && incomplete || f.topLevelProperty() != "" && slices.ContainsFunc(found, same) {
			continue
		}
		more = append(more, f)
	}
	return more
}
