package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	invopop "github.com/invopop/jsonschema"
)

// Decode decodes a value that comes in. It accepts exactly what the published schema
// says, with these additions: absent arguments and null count as an empty object, and
// null for an optional property counts as absent, unless T is a [NullChecker] that refuses
// it. Formats are asserted; lengths count
// characters; a property must not occur twice; and depth and the length of numbers are
// limited. Numbers in an any are json.Number.
//
// Decode ignores the top-level properties in ignored, unless T has them. They are
// properties that some client is known to add.
//
// The error is a [Faults] that contains every fault, in the order of T's fields. It never
// contains the value of a property.
func (s *Schema[T]) Decode(raw json.RawMessage, ignored ...string) (T, error) {
	value, _, err := s.DecodeExtra(raw, ignored...)
	return value, err
}

// DecodeExtra is like Decode, and also returns the values of the extra properties that are
// present, by their names.
func (s *Schema[T]) DecodeExtra(raw json.RawMessage, ignored ...string) (T, map[string]string, error) {
	var value, none T
	extra, err := s.input.decode(raw, ignored, &value)
	if err != nil {
		return none, nil, err
	}
	return value, extra, nil
}

func (i *input) decode(raw json.RawMessage, ignored []string, value any) (extra map[string]string, err error) {
	c, err := i.contract()
	if err != nil {
		return nil, Faults{{Problem: "arguments cannot be checked: " + err.Error()}}
	}
	ignored = slices.DeleteFunc(slices.Clone(ignored), func(name string) bool { return known(c.root, name) })
	object, found, err := parse(raw, ignored)
	if err != nil {
		return nil, Faults{{Problem: err.Error()}}
	}
	null := slices.DeleteFunc(optionalNulls(c.root, object), func(name string) bool { return slices.Contains(i.extra, name) })
	normalize(c.root, object)
	found = append(found, c.violations(object)...)
	extra = i.take(object, found)

	err = build(value, object, found)
	if err == nil {
		found = append(found, checkNull(value, null)...)
		found = append(found, check(value, found)...)
	}
	if len(found) > 0 {
		return nil, c.describeAll(found)
	}
	if err != nil {
		return nil, Faults{{Problem: "arguments conform to the schema but cannot be decoded"}}
	}
	return extra, nil
}

// take removes the extra properties without findings from object, and returns them.
func (i *input) take(object map[string]any, found []finding) map[string]string {
	extra := map[string]string{}
	for _, name := range i.extra {
		faulty := slices.ContainsFunc(found, func(f finding) bool { return f.topLevelProperty() == name })
		if text, ok := object[name].(string); ok && !faulty {
			extra[name] = text
			delete(object, name)
		}
	}
	return extra
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

// optionalNulls returns the names of the optional properties of object that are null.
func optionalNulls(s *invopop.Schema, object map[string]any) (null []string) {
	for name, item := range object {
		if item == nil && optional(s, name) {
			null = append(null, name)
		}
	}
	slices.Sort(null)
	return null
}

// checkNull returns the findings of the value's own rules about properties that are null.
func checkNull(value any, null []string) (found []finding) {
	checker, ok := value.(NullChecker)
	if !ok || len(null) == 0 {
		return nil
	}
	for _, fault := range checker.CheckNull(null) {
		found = append(found, finding{path: fault.location(), what: fault})
	}
	return found
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
