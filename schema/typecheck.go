package schema

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// typeChecker checks that a schema can be derived from a type. The reflector does not
// report what it does not support: it recurses endlessly, or omits it.
type typeChecker struct {
	dir   direction
	above []reflect.Type
}

// inside returns the typeChecker for the parts of t. It returns an error if t contains itself.
func (s typeChecker) inside(t reflect.Type) (typeChecker, error) {
	if slices.Contains(s.above, t) {
		return s, fmt.Errorf("%v contains itself", t)
	}
	return typeChecker{s.dir, append(slices.Clip(s.above), t)}, nil
}

// describable returns an error if no schema can be derived from t that accepts exactly what
// decodes into t.
func (s typeChecker) describable(t reflect.Type) error {
	t = pointedAt(t)
	if done, err := s.ownForm(t); done {
		return err
	}
	if _, ok := nestedOutputs.Load(t); ok && s.dir == outgoing {
		return nil // it was checked before
	}
	s, err := s.inside(t)
	if err != nil {
		return err
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return s.describable(t.Elem())
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("%v has keys that are not strings", t)
		}
		return s.describable(t.Elem())
	case reflect.Struct:
		return s.fields(t, map[string]bool{})
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.Uintptr, reflect.UnsafePointer:
		return fmt.Errorf("%v has no JSON", t)
	}
	return nil
}

// ownForm checks types whose JSON does not follow from their kind. done is false for others.
func (s typeChecker) ownForm(t reflect.Type) (done bool, err error) {
	if t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[json.RawMessage]() || describesItself(t) {
		return true, nil
	}
	if s.dir == outgoing {
		return textual(t) != nil, nil
	}
	switch {
	case t.Kind() == reflect.Float32:
		return true, errors.New("a float32 refuses numbers that its schema admits: use float64")
	case t == reflect.TypeFor[json.Number](), t == reflect.TypeFor[url.URL]():
		return true, fmt.Errorf("%v is described as what it does not decode from", t)
	case implements[json.Unmarshaler](t), implements[encoding.TextUnmarshaler](t):
		return true, fmt.Errorf("%v reads its own form of JSON and has no method JSONSchema", t)
	}
	return false, nil
}

// fields checks the fields of a struct and of those that it embeds. taken collects the names
// of their properties.
func (s typeChecker) fields(t reflect.Type, taken map[string]bool) error {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("json") == "-" || f.Tag.Get("jsonschema") == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if err := s.field(f, taken); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

func (s typeChecker) field(f reflect.StructField, taken map[string]bool) error {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if f.Anonymous && name == "" && pointedAt(f.Type).Kind() == reflect.Struct {
		return s.embedded(f, taken)
	}
	if name == "" {
		name = f.Name
	}
	if taken[name] {
		return fmt.Errorf("property %q is there twice", name)
	}
	taken[name] = true
	for option := range strings.SplitSeq(options, ",") {
		if option == "string" || option == "inline" {
			return fmt.Errorf("the json option %q is not supported", option)
		}
	}
	if err := checkTag(f); err != nil {
		return err
	}
	return s.describable(f.Type)
}

func (s typeChecker) embedded(f reflect.StructField, taken map[string]bool) error {
	if f.Type.Kind() == reflect.Pointer && !f.IsExported() {
		return errors.New("a pointer to an unexported struct cannot be decoded")
	}
	s, err := s.inside(pointedAt(f.Type))
	if err != nil {
		return err
	}
	return s.fields(pointedAt(f.Type), taken)
}

func pointedAt(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// checkTag returns an error for what the reflector would ignore: keywords that are
// misspelled or do not apply to the type, and invalid values.
func checkTag(f reflect.StructField) error {
	tag := strings.ReplaceAll(f.Tag.Get("jsonschema"), `\,`, "\x00")
	if tag == "" || describesItself(f.Type) {
		return nil
	}
	for item := range strings.SplitSeq(tag, ",") {
		if item == "required" {
			continue
		}
		keyword, value, _ := strings.Cut(item, "=")
		if keyword == "description" {
			return errors.New("prose belongs into the tag jsonschema_description")
		}
		if !slices.Contains(keywords(f.Type), keyword) {
			return fmt.Errorf("the tag jsonschema says %q, which means nothing on a %v", item, f.Type)
		}
		if !meaningful(keyword, value, f.Type) {
			return fmt.Errorf("the tag jsonschema says %q, whose value is none", item)
		}
	}
	return nil
}

// keywords returns the keywords that a tag of a field of type t may contain.
func keywords(t reflect.Type) []string {
	t = pointedAt(t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		return []string{"title", "default", "example"}
	case implements[encoding.TextMarshaler](t), t.Kind() == reflect.String:
		return []string{"title", "minLength", "maxLength", "pattern", "format", "default", "example", "enum"}
	case t.Kind() == reflect.Bool:
		return []string{"title", "default"}
	case isNumber(t.Kind()):
		return []string{"title", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "default", "example", "enum"}
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		return append(keywords(t.Elem()), "minItems", "maxItems", "uniqueItems")
	}
	return []string{"title"}
}

func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Float64 && k != reflect.Uintptr
}

// meaningful reports whether the value is valid for the keyword.
func meaningful(keyword, value string, t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	textual := implements[encoding.TextMarshaler](t) || t.Kind() == reflect.String
	switch keyword {
	case "minLength", "maxLength", "minItems", "maxItems":
		_, err := strconv.ParseUint(value, 10, 31)
		return err == nil
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "default", "enum", "example":
		return textual || json.Unmarshal([]byte(value), reflect.New(t).Interface()) == nil
	case "uniqueItems":
		return value == "true"
	case "format":
		return formats()[value] != ""
	}
	return value != ""
}

// formats returns the formats that Decode asserts, with what a value must be. Nothing is
// asserted of "password". The libraries ignore every other format.
func formats() map[string]string {
	return map[string]string{
		"date-time": "a date and time with a time zone as in RFC 3339, such as 2027-01-31T00:00:00Z",
		"date":      "a date, such as 2027-01-31",
		"email":     "an email address, such as jane@example.com",
		"hostname":  "a host name, such as www.example.com",
		"ipv4":      "an IPv4 address, such as 192.0.2.1",
		"ipv6":      "an IPv6 address, such as 2001:db8::1",
		"password":  "a password",
		"uri":       "a URI, such as https://example.com/",
		"uuid":      "a UUID, such as 3f0e8c1a-5d2b-4e7f-9a6c-1b2d3e4f5a6b",
	}
}
