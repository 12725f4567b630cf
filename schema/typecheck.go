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

// typeChecker checks that a schema can be derived from a type. Without it, types and tags
// that the reflector does not support would silently give a schema that does not describe
// their JSON.
type typeChecker struct {
	dir direction
}

// describable returns an error unless the schema that is derived from t accepts exactly what
// decodes into t.
func (c typeChecker) describable(t reflect.Type) error {
	t = indirect(t)
	switch {
	case describesItself(t), t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[json.RawMessage]():
		return nil
	case c.dir == outgoing && textual(t) != nil:
		return nil
	case c.dir == incoming && (implements[json.Unmarshaler](t) || implements[encoding.TextUnmarshaler](t)):
		return fmt.Errorf("%v has its own form of JSON and no method JSONSchema", t)
	case t == reflect.TypeFor[json.Number](), t == reflect.TypeFor[url.URL]():
		return fmt.Errorf("%v has JSON of another type than its schema", t)
	}
	if _, ok := nestedOutputs.Load(t); ok && c.dir == outgoing {
		return nil // it was checked before
	}
	switch {
	case t.Kind() == reflect.Struct:
		return c.fields(t, map[string]bool{})
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map && t.Key().Kind() == reflect.String:
		return c.describable(t.Elem())
	case t.Kind() == reflect.String, t.Kind() == reflect.Bool, t.Kind() == reflect.Interface, isNumber(t.Kind()):
		return nil
	}
	return fmt.Errorf("%v is not supported", t)
}

// fields checks the fields of a struct and of those that it embeds. taken collects the names
// of their properties.
func (c typeChecker) fields(t reflect.Type, taken map[string]bool) error {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("json") == "-" || f.Tag.Get("jsonschema") == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if err := c.field(f, taken); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// field checks a field that has a property, or the fields of an embedded struct.
func (c typeChecker) field(f reflect.StructField, taken map[string]bool) error {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	switch {
	case f.Anonymous && f.Type.Kind() != reflect.Struct:
		return errors.New("only structs can be embedded")
	case f.Anonymous && name == "":
		return c.fields(f.Type, taken)
	case name == "":
		name = f.Name
	}
	if taken[name] {
		return fmt.Errorf("there are two properties %q", name)
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
	return c.describable(f.Type)
}

// indirect returns the type that t points to, or t if it is not a pointer.
func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// checkTag returns an error if the tag jsonschema contains anything that the reflector would
// ignore: a keyword that is misspelled or does not apply to the field's type, or an invalid
// value.
func checkTag(f reflect.StructField) error {
	tag := strings.ReplaceAll(f.Tag.Get("jsonschema"), `\,`, "\x00")
	if tag == "" || describesItself(f.Type) {
		return nil
	}
	for item := range strings.SplitSeq(tag, ",") {
		keyword, value, _ := strings.Cut(item, "=")
		if keyword == "description" {
			return errors.New("the description belongs in the tag jsonschema_description")
		}
		if !slices.Contains(keywords(f.Type), keyword) {
			return fmt.Errorf("the jsonschema keyword %q does not apply to %v", item, f.Type)
		}
		if !validValue(keyword, value, f.Type) {
			return fmt.Errorf("the jsonschema keyword %q has an invalid value", item)
		}
	}
	return nil
}

// keywords returns the keywords that a tag of a field of type t may contain.
func keywords(t reflect.Type) []string {
	t = indirect(t)
	switch {
	case t == reflect.TypeFor[time.Time]():
		return []string{"title", "default", "example"}
	case isText(t):
		return []string{"title", "minLength", "maxLength", "pattern", "format", "default", "example", "enum"}
	case t.Kind() == reflect.Bool:
		return []string{"title", "default"}
	case isNumber(t.Kind()):
		return []string{"title", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "default", "example", "enum"}
	case t.Kind() == reflect.Slice:
		return append(keywords(t.Elem()), "minItems", "maxItems", "uniqueItems")
	}
	return []string{"title"}
}

// isText reports whether the JSON of a value of type t is a string.
func isText(t reflect.Type) bool {
	return t.Kind() == reflect.String || implements[encoding.TextMarshaler](t)
}

// isNumber reports whether values of kind k are numbers. float32 is left out: it refuses
// numbers that its schema accepts.
func isNumber(k reflect.Kind) bool {
	return k >= reflect.Int && k <= reflect.Uint64 || k == reflect.Float64
}

// validValue reports whether the keyword can have the value in the tag of a field of type t.
func validValue(keyword, value string, t reflect.Type) bool {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch keyword {
	case "minLength", "maxLength", "minItems", "maxItems":
		_, err := strconv.ParseUint(value, 10, 31)
		return err == nil
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "default", "enum", "example":
		return isText(t) || json.Unmarshal([]byte(value), reflect.New(t).Interface()) == nil
	case "uniqueItems":
		return value == "true"
	case "format":
		return formats()[value] != ""
	}
	return value != ""
}

// formats returns a description of each format that a tag may name. Decode asserts all of
// them except "password". The libraries ignore other formats.
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
