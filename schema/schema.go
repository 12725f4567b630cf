// Package schema derives JSON Schemas from Go structs and validates values against
// them. [ForInput] derives the schema of a struct whose values come in, and
// [Schema.Decode] accepts exactly what that schema says; its error describes every
// fault. [ForOutput] derives the schema of a struct whose values go out, which promises
// so little that every value conforms.
//
// A field is required unless its json tag says omitempty or omitzero. Its
// description is in the tag jsonschema_description, its constraints are in jsonschema,
// and annotations are in jsonschema_extras:
//
//	Name string `json:"name" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"What the key is for."`
package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
)

// Schema is the JSON Schema of T, for values that come in. Make one with [ForInput].
// It may be used from several goroutines.
type Schema[T any] struct{ input input }

// input is what a Schema consists of. It does not depend on T, so that its methods are
// not compiled for every T.
type input struct {
	published json.RawMessage
	contract  func() (*contract, error)
}

// ForInput derives the schema of the struct T for values that come in. It permits no
// properties but those of T, at any level. T must not contain itself. ForInput panics if
// values that the schema accepts could not be decoded: if T contains a type that is not
// supported or has its own form of JSON and no method JSONSchema, or if a tag is invalid.
//
// An integer without a minimum or maximum of its own gets those of its type.
func ForInput[T any]() *Schema[T] { return &Schema[T]{newInput(reflect.TypeFor[T]())} }

func newInput(t reflect.Type) input {
	published := mustDerive(t, incoming)
	return input{
		published: published,
		contract:  sync.OnceValues(func() (*contract, error) { return newContract(published) }),
	}
}

// ForOutput derives the schema of the struct T for values that go out. It permits unknown
// properties at every level, and of the constraints it keeps only types and required
// properties, so that unexpected values still conform. It also keeps the format "password"
// and extras. It panics as [ForInput] does.
//
// A nil slice, map or pointer is null in JSON and does not conform: make it empty, or
// mark the field omitempty.
func ForOutput[T any]() json.RawMessage {
	return mustDerive(reflect.TypeFor[T](), outgoing)
}

func mustDerive(t reflect.Type, dir direction) json.RawMessage {
	published, err := derive(t, dir)
	if err != nil {
		panic(fmt.Sprintf("schema: %v: %v", t, err))
	}
	return published
}

// JSON returns the schema as it is published. The caller must not change it.
func (s *Schema[T]) JSON() json.RawMessage { return s.input.published }

// Compile reports what is wrong with the schema itself: a pattern that is no
// regular expression, a default that the schema refuses. The first Decode
// compiles as well, but then it is too late: call Compile in a test.
func (s *Schema[T]) Compile() error {
	c, err := s.input.contract()
	if err != nil {
		return err
	}
	return checkDefaults(c.validator)
}

// Checker is implemented by types with rules that JSON Schema cannot express or that
// clients refuse to read. [Schema.Decode] calls Check even if other properties are
// invalid; those then have their zero values, which Check should not report.
type Checker interface {
	Check() []Fault
}
