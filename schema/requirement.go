package schema

import (
	"fmt"
	"slices"
	"strings"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// requirement returns the requirement of s that a value violates, such as "must be …". It
// contains the length or type of the value, but not the value.
func requirement(s *invopop.Schema, failure any) string {
	if s == nil {
		s = new(invopop.Schema)
	}
	switch k := failure.(type) {
	case *kind.Type:
		return mustHaveType(k)
	case *kind.Enum:
		return "must be " + alternatives(k.Want)
	case *kind.Format:
		return "must be " + formats()[k.Want]
	case *kind.MinLength:
		return fmt.Sprintf("must be %s long, not %d", amount(s.MinLength, s.MaxLength, "character"), k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("must be %s long, not %d", amount(s.MinLength, s.MaxLength, "character"), k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("must have %s, not %d", amount(s.MinItems, s.MaxItems, "item"), k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("must have %s, not %d", amount(s.MinItems, s.MaxItems, "item"), k.Got)
	case *kind.Minimum, *kind.Maximum:
		return "must be " + interval(s)
	case *kind.ExclusiveMinimum:
		return "must be more than " + s.ExclusiveMinimum.String()
	case *kind.ExclusiveMaximum:
		return "must be less than " + s.ExclusiveMaximum.String()
	case *kind.MultipleOf:
		return "must be a multiple of " + s.MultipleOf.String()
	case *kind.Pattern:
		return "must match the pattern " + k.Want
	case *kind.UniqueItems:
		return fmt.Sprintf("must not contain an item twice, as [%d] and [%d] do", k.Duplicates[0], k.Duplicates[1])
	case *kind.ContentEncoding:
		return "must be encoded as " + k.Want
	case jsonschema.ErrorKind:
		return strings.TrimSpace("does not fulfil its schema " + strings.Join(k.KeywordPath(), "/"))
	}
	return "does not fulfil its schema"
}

func mustHaveType(k *kind.Type) string {
	want := make([]string, len(k.Want))
	for i, name := range k.Want {
		want[i] = noun(name)
	}
	sentence := "must be " + enumerate(want, "or")
	switch {
	case k.Got == "number" && slices.Contains(k.Want, "integer"): // it has a fraction
		return sentence
	case k.Got == "boolean":
		return sentence + ", not a boolean"
	}
	return sentence + ", not " + noun(k.Got)
}

// noun returns the name of a JSON Schema type in English.
func noun(name string) string {
	switch name {
	case "null":
		return "null"
	case "boolean":
		return "true or false"
	case "integer":
		return "a whole number"
	case "array", "object":
		return "an " + name
	}
	return "a " + name
}

func alternatives(want []any) string {
	words := make([]string, len(want))
	for i, v := range want {
		words[i] = fmt.Sprint(v)
		if s, ok := v.(string); ok {
			words[i] = "'" + s + "'"
		}
	}
	return enumerate(words, "or")
}

// amount returns a number or range of units, such as "1 to 128 characters".
func amount(least, most *uint64, unit string) string {
	plural := func(n uint64) string {
		if n == 1 {
			return unit
		}
		return unit + "s"
	}
	switch {
	case least != nil && most != nil && *least == *most:
		return fmt.Sprintf("exactly %d %s", *most, plural(*most))
	case least != nil && most != nil:
		return fmt.Sprintf("%d to %d %s", *least, *most, plural(*most))
	case most != nil:
		return fmt.Sprintf("at most %d %s", *most, plural(*most))
	}
	return fmt.Sprintf("at least %d %s", *least, plural(*least))
}

// interval returns the range that a number must be in.
func interval(s *invopop.Schema) string {
	switch {
	case s.Minimum != "" && s.Maximum != "":
		return fmt.Sprintf("between %s and %s", s.Minimum, s.Maximum)
	case s.Minimum != "":
		return "at least " + s.Minimum.String()
	}
	return "at most " + s.Maximum.String()
}
