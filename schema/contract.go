package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// contract is a published schema in the two forms that validation needs: one to validate
// with, and one that knows the order of properties.
type contract struct {
	validator *jsonschema.Schema
	root      *invopop.Schema
}

func newContract(published json.RawMessage) (*contract, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(published))
	if err != nil {
		return nil, err
	}
	const location = "urn:schema"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.AssertContent()
	c.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: validateDateTime})
	if err := c.AddResource(location, document); err != nil {
		return nil, err
	}
	validator, err := c.Compile(location)
	if err != nil {
		return nil, err
	}
	root := new(invopop.Schema)
	if err := json.Unmarshal(published, root); err != nil {
		return nil, err
	}
	return &contract{validator, root}, nil
}

// validateDateTime returns an error unless v is a date and time as in RFC 3339 that also
// decodes into a time.Time. The library's own check accepts lower-case letters and leap
// seconds, which do not.
func validateDateTime(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	if _, err := time.Parse(time.RFC3339, s); err != nil {
		return err
	}
	// time.Parse also accepts an hour of one digit, a comma before the fraction of a second
	// and any offset. MarshalText refuses offsets of 24 hours and more.
	oneDigitHour := strings.HasPrefix(s[len("2006-01-02T1"):], ":")
	if oneDigitHour || strings.Contains(s, ",") || !strings.HasSuffix(s, "Z") && !offsetInRange(s) {
		return errors.New("not as in RFC 3339")
	}
	return nil
}

// offsetInRange reports whether the offset at the end of a time, such as +01:00, has less
// than 24 hours and less than 60 minutes.
func offsetInRange(s string) bool {
	hours, minutes := s[len(s)-len("01:00"):len(s)-len(":00")], s[len(s)-len("00"):]
	return hours < "24" && minutes < "60"
}

// checkDefaults returns an error if a default, at any level, violates the schema.
func checkDefaults(s *jsonschema.Schema) error {
	if s.Default != nil {
		if err := s.Validate(*s.Default); err != nil {
			return fmt.Errorf("default: %w", err)
		}
	}
	for _, property := range s.Properties {
		if err := checkDefaults(property); err != nil {
			return err
		}
	}
	if s.Items2020 != nil {
		return checkDefaults(s.Items2020)
	}
	return nil
}

// violations returns every violation of the schema in v.
func (c *contract) violations(v any) []finding {
	failed, ok := errors.AsType[*jsonschema.ValidationError](c.validator.Validate(v))
	if !ok {
		return nil
	}
	return flatten(failed, nil)
}

// flatten collects the leaves of a tree of errors, one finding for each
// property concerned.
func flatten(e *jsonschema.ValidationError, found []finding) []finding {
	switch k := e.ErrorKind.(type) {
	case *kind.Schema, *kind.Group:
		for _, cause := range e.Causes {
			found = flatten(cause, found)
		}
	case *kind.Required:
		for _, name := range k.Missing {
			found = append(found, finding{below(e.InstanceLocation, name), missing{}})
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			found = append(found, finding{below(e.InstanceLocation, name), unknown{}})
		}
	default:
		found = append(found, finding{e.InstanceLocation, k})
	}
	return found
}

func below(path []string, name string) []string {
	return append(slices.Clip(path), name)
}

// normalize converts v to the form that encoding/json decodes: without null for an optional
// property, and with integers written without fraction and exponent.
func normalize(s *invopop.Schema, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, item := range v {
			if item == nil && optional(s, name) {
				delete(v, name)
				continue
			}
			v[name] = normalize(child(s, name), item)
		}
	case []any:
		for i, item := range v {
			v[i] = normalize(child(s, ""), item)
		}
	case json.Number:
		if s != nil && s.Type == "integer" && strings.ContainsAny(string(v), ".eE-") {
			return integer(v)
		}
	}
	return v
}

// integer returns n without fraction and exponent if it is a whole number.
func integer(n json.Number) json.Number {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok || !r.IsInt() {
		return n
	}
	return json.Number(r.Num().String())
}

func optional(s *invopop.Schema, name string) bool {
	return known(s, name) && !slices.Contains(s.Required, name)
}

func known(s *invopop.Schema, name string) bool {
	if s == nil || s.Properties == nil {
		return false
	}
	_, ok := s.Properties.Get(name)
	return ok
}

// child returns the schema of the items of s or of its property with that name, or nil.
func child(s *invopop.Schema, name string) *invopop.Schema {
	switch {
	case s == nil:
		return nil
	case s.Items != nil:
		return s.Items
	case known(s, name):
		return s.Properties.Value(name)
	}
	return s.AdditionalProperties
}

// names returns the names of the properties of s in order.
func names(s *invopop.Schema) []string {
	if s == nil || s.Properties == nil {
		return nil
	}
	var all []string
	for p := s.Properties.Oldest(); p != nil; p = p.Next() {
		all = append(all, p.Key)
	}
	return all
}
