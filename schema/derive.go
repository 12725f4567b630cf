package schema

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"

	invopop "github.com/invopop/jsonschema"
)

// direction is the direction of the values that a schema describes: values that come in
// are validated, values that go out are only described.
type direction bool

const (
	incoming direction = true
	outgoing direction = false
)

func derive(t reflect.Type, dir direction, extra []Property) (json.RawMessage, error) {
	if t.Kind() != reflect.Struct {
		return nil, errors.New("not a struct")
	}
	if err := (typeChecker{dir: dir}).describable(t); err != nil {
		return nil, err
	}

	root := reflected(t, dir)
	if root.Type != "object" || root.OneOf != nil || root.AnyOf != nil {
		return nil, errors.New("clients accept only an object, without oneOf and anyOf")
	}
	for _, p := range extra {
		if err := p.addTo(root); err != nil {
			return nil, err
		}
	}
	if dir == outgoing {
		var w bytes.Buffer
		writeRelaxed(&w, root, describedLevels)
		return w.Bytes(), nil
	}
	return json.Marshal(root)
}

// addTo adds the property to those of the object s.
func (p Property) addTo(s *invopop.Schema) error {
	switch {
	case known(s, p.Name):
		return fmt.Errorf("there is a property %s already", p.Name)
	case len(p.Enum) == 0:
		return fmt.Errorf("property %s has no values", p.Name)
	}
	property := &invopop.Schema{Type: "string", Description: p.Description}
	for _, value := range p.Enum {
		property.Enum = append(property.Enum, value)
	}
	s.Properties.Set(p.Name, property)
	if p.Required {
		s.Required = append(s.Required, p.Name)
	}
	return nil
}

func reflected(t reflect.Type, dir direction) *invopop.Schema {
	// ExpandedStruct is not set: it looks the root up by its bare name and takes
	// a nested type of another package with the same name for it.
	r := invopop.Reflector{
		Anonymous:                 true,
		DoNotReference:            true,
		AllowAdditionalProperties: dir == outgoing,
		Mapper: func(inner reflect.Type) *invopop.Schema {
			if s := dir.special(inner); s != nil || dir == incoming || inner == t || inner.Kind() != reflect.Struct || describesItself(inner) {
				return s
			}
			return nestedOutput(inner)
		},
	}
	s := r.ReflectFromType(t)
	s.Version = ""
	return s
}

// nestedOutputs caches the schemas of structs within outputs by their types: many
// outputs contain the same resources.
var nestedOutputs sync.Map

func nestedOutput(t reflect.Type) *invopop.Schema {
	cached, ok := nestedOutputs.Load(t)
	if !ok {
		cached, _ = nestedOutputs.LoadOrStore(t, reflected(t, outgoing))
	}
	s := *cached.(*invopop.Schema) // the field's tags change the copy
	return &s
}

// special returns the schema of a type that the reflector would describe incorrectly for
// this direction, or nil.
func (dir direction) special(t reflect.Type) *invopop.Schema {
	if describesItself(t) {
		return nil
	}
	if t.Kind() == reflect.Interface || t == reflect.TypeFor[json.RawMessage]() {
		return anything()
	}
	if dir == outgoing {
		return textual(t)
	}
	if least, most, ok := bounds(t.Kind()); ok {
		return &invopop.Schema{Type: "integer", Minimum: least, Maximum: most}
	}
	return nil
}

// textual returns the schema of a type that encodes itself: its JSON is a string or
// unknown, and does not follow from its fields.
func textual(t reflect.Type) *invopop.Schema {
	switch {
	case implements[encoding.TextMarshaler](t):
		return &invopop.Schema{Type: "string"}
	case implements[json.Marshaler](t):
		return anything()
	}
	return nil
}

// anything returns the schema {}. Without the empty map it would be encoded as true, which
// means the same, but clients expect every property to be an object.
func anything() *invopop.Schema {
	return &invopop.Schema{Extras: map[string]any{}}
}

// bounds returns the minimum and maximum of an integer kind. Without them, a schema would
// accept numbers that cannot be decoded.
func bounds(k reflect.Kind) (least, most json.Number, ok bool) {
	signed := func(bits int) (json.Number, json.Number, bool) {
		return json.Number(strconv.FormatInt(math.MinInt64>>(64-bits), 10)),
			json.Number(strconv.FormatInt(math.MaxInt64>>(64-bits), 10)), true
	}
	unsigned := func(bits int) (json.Number, json.Number, bool) {
		return "0", json.Number(strconv.FormatUint(math.MaxUint64>>(64-bits), 10)), true
	}
	switch k {
	case reflect.Int, reflect.Int64:
		return signed(64)
	case reflect.Int32:
		return signed(32)
	case reflect.Int16:
		return signed(16)
	case reflect.Int8:
		return signed(8)
	case reflect.Uint, reflect.Uint64:
		return unsigned(64)
	case reflect.Uint32:
		return unsigned(32)
	case reflect.Uint16:
		return unsigned(16)
	case reflect.Uint8:
		return unsigned(8)
	}
	return "", "", false
}

// describedLevels is how many levels of objects within an output are described with their
// properties. What is deeper is for reading, and its names say enough: clients hold the
// schemas of all tools at once.
const describedLevels = 1

// writeRelaxed writes s with only those keywords that every value of the sender can
// satisfy. Encoding s itself would cost several times as much: it encodes every level
// again for each level above. An object that is more than levels below s is described
// only as an object, and only the root says what is required.
func writeRelaxed(w *bytes.Buffer, s *invopop.Schema, levels int) {
	start := w.Len()
	member := func(name string) {
		if w.Len() > start+1 {
			w.WriteByte(',')
		}
		writeJSON(w, name)
		w.WriteByte(':')
	}
	w.WriteByte('{')
	if s.Items != nil {
		member("items")
		writeRelaxed(w, s.Items, levels)
	}
	described := levels >= 0
	if s.Properties != nil && described {
		member("properties")
		separator := byte('{')
		for p := s.Properties.Oldest(); p != nil; p = p.Next() {
			w.WriteByte(separator)
			separator = ','
			writeJSON(w, p.Key)
			w.WriteByte(':')
			writeRelaxed(w, p.Value, levels-1)
		}
		if separator == '{' {
			w.WriteByte('{')
		}
		w.WriteByte('}')
	}
	if s.Type != "" {
		member("type")
		writeJSON(w, s.Type)
	}
	if len(s.Required) > 0 && levels == describedLevels {
		member("required")
		writeJSON(w, s.Required)
	}
	for _, keyword := range []struct{ name, text string }{
		{"format", s.Format}, {"title", s.Title}, {"description", s.Description},
	} {
		if keyword.text != "" && (keyword.name != "format" || keyword.text == "password") {
			member(keyword.name)
			writeJSON(w, keyword.text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Extras)) {
		member(name)
		writeJSON(w, s.Extras[name])
	}
	w.WriteByte('}')
}

// writeJSON writes a string, a list of strings or a tag value. Each has a JSON form.
func writeJSON(w *bytes.Buffer, v any) {
	text, _ := json.Marshal(v)
	w.Write(text)
}

func describesItself(t reflect.Type) bool {
	return implements[interface{ JSONSchema() *invopop.Schema }](t)
}

// implements reports whether values of t, or pointers to them, are an I.
func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}
