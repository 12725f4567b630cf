// Package schema derives JSON Schemas from Go structs and validates values against
// them. [ForInput] derives the schema of a struct for input, and [Schema.Decode] accepts
// exactly the values that conform to it; its error describes every fault. [ForOutput]
// derives the schema of a struct for output, which is so loose that every value conforms.
//
// A field is required unless its json tag contains omitempty or omitzero. The tag
// jsonschema contains constraints, jsonschema_description the description, and
// jsonschema_extras annotations:
//
//	Name string `json:"name" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"What the key is for."`
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// Schema is the JSON Schema of T for input. Create one with [ForInput]. It is safe for
// concurrent use.
type Schema[T any] struct{ input input }

// input is the part of a Schema that does not depend on T, so that its methods are compiled
// only once.
type input struct {
	published json.RawMessage
	extra     []string // names of the properties beside those of T
	contract  func() (*contract, error)
}

// ForInput derives the schema of the struct T for input. It permits no properties but
// those of T, at any level. T must not contain itself. ForInput panics if
// values that the schema accepts could not be decoded: if T contains a type that is not
// supported or has its own form of JSON and no method JSONSchema, or if a tag is invalid.
//
// An integer without a minimum or maximum in its tag gets those of its type.
//
// The extra properties follow those of T, which must not have properties of these names.
// [Schema.DecodeExtra] returns their values.
func ForInput[T any](extra ...Property) *Schema[T] {
	return &Schema[T]{newInput(reflect.TypeFor[T](), extra)}
}

// Property is a property that is not a field of a struct, because its values are known only
// when the program runs. It is one of several texts.
type Property struct {
	Name        string
	Description string
	Enum        []string // at least one
	Required    bool
}

func newInput(t reflect.Type, extra []Property) input {
	published := mustDerive(t, incoming, extra...)
	return input{
		published: published,
		extra:     extraNames(extra),
		contract:  sync.OnceValues(func() (*contract, error) { return newContract(published) }),
	}
}

// ForOutput derives the schema of the struct T for output. It permits unknown properties at
// every level. Its only constraints are types, and the required properties of T itself, so that
// unexpected values still conform. Objects within objects within T are described without
// their properties. It also contains the format "password" and extras. ForOutput panics
// as [ForInput] does.
//
// A nil slice, map or pointer is null in JSON and does not conform: make it empty, or
// mark the field omitempty.
func ForOutput[T any]() json.RawMessage {
	return mustDerive(reflect.TypeFor[T](), outgoing)
}

func extraNames(extra []Property) (names []string) {
	for _, p := range extra {
		names = append(names, p.Name)
	}
	return names
}

func mustDerive(t reflect.Type, dir direction, extra ...Property) json.RawMessage {
	published, err := derive(t, dir, extra)
	if err != nil {
		panic(fmt.Sprintf("schema: %v: %v", t, err))
	}
	return published
}

// JSON returns the schema in JSON. The caller must not change it.
func (s *Schema[T]) JSON() json.RawMessage { return s.input.published }

// Compile returns an error if the schema itself is invalid, because a pattern is not a
// regular expression or a default does not conform. The first Decode compiles the schema
// too; call Compile in a test to find such errors earlier.
func (s *Schema[T]) Compile() error {
	c, err := s.input.contract()
	if err != nil {
		return err
	}
	return checkDefaults(c.validator)
}

// Checker is implemented by types with rules that JSON Schema, or the part of it that all
// clients accept, cannot express. [Schema.Decode] calls Check even if other properties are
// invalid; those then have their zero values, which Check should not report.
type Checker interface {
	Check() []Fault
}

// NullChecker is implemented by types for which null says something about a property that
// need not be there. [Schema.Decode] calls CheckNull with the names of those properties of
// the top level that are null, in alphabetical order, if there are any. A value without a
// CheckNull, or for which it returns nothing, treats them as absent.
type NullChecker interface {
	CheckNull(properties []string) []Fault
}
