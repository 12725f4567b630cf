package schema_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/schema"
)

func destination(required bool) schema.Property {
	return schema.Property{Name: "deliver_to", Description: "Where.", Enum: []string{"ci", "local"}, Required: required}
}

// Extra properties follow those of the struct, and are validated with them.
func TestExtraProperties(t *testing.T) {
	optional, required := schema.ForInput[checked](destination(false)), schema.ForInput[checked](destination(true))
	const published = `"deliver_to":{"type":"string","enum":["ci","local"],"description":"Where."}},"additionalProperties":false`
	for s, want := range map[*schema.Schema[checked]]string{optional: `"required":["id"]`, required: `"required":["id","deliver_to"]`} {
		if got := string(s.JSON()); !strings.Contains(got, published) || !strings.Contains(got, want) {
			t.Errorf("got %s, want %s and %s", got, published, want)
		}
		if err := s.Compile(); err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		schema *schema.Schema[checked]
		in     string
		want   map[string]string
		fault  string
	}{
		{optional, `{"id":"ab","name":"x","scopes":["a"]}`, map[string]string{}, ""},
		{optional, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":null}`, map[string]string{}, ""},
		{optional, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":"ci"}`, map[string]string{"deliver_to": "ci"}, ""},
		{required, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":"local"}`, map[string]string{"deliver_to": "local"}, ""},
		{required, `{"id":"ab","name":"x","scopes":["a"]}`, nil, "missing property 'deliver_to'"},
		{required, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":null}`, nil, "'deliver_to' must be a string, not null"},
		{optional, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":"raff_s3cret"}`, nil, "'deliver_to' must be 'ci' or 'local'"},
		{optional, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":["ci"]}`, nil, "'deliver_to' must be"},
		{optional, `{"id":"ab","name":"x","scopes":["a"],"deliverTo":"ci"}`, nil, "unknown property 'deliverTo' (did you mean 'deliver_to'?)"},
		{optional, `{"id":"ab","name":"x","scopes":["a"],"deliver_to":"ci","deliver_to":"local"}`, nil, "property 'deliver_to' is given twice"},
		{optional, `{"id":"a","confirm":"no","scopes":["a"],"deliver_to":"x","colour":1}`, nil,
			"'id' must be at least 2 characters long, not 1; 'confirm' must be 'yes'; 'deliver_to' must be 'ci' or 'local'; unknown property 'colour'"},
	} {
		got, extra, err := tt.schema.DecodeExtra(json.RawMessage(tt.in))
		if !maps.Equal(extra, tt.want) || tt.fault == "" && (err != nil || got.Name != "x") || tt.fault != "" && !strings.HasPrefix(fmt.Sprint(err), tt.fault) {
			t.Errorf("DecodeExtra(%s): got %v, %v, want %v, %s", tt.in, extra, err, tt.want, tt.fault)
		}
		if strings.Contains(fmt.Sprint(err), "s3cret") {
			t.Errorf("DecodeExtra(%s) repeats a value: %v", tt.in, err)
		}
	}
}

// Null for an extra property says nothing about the properties of the struct.
func TestExtraNull(t *testing.T) {
	s := schema.ForInput[nullRefuser](destination(false))
	if _, _, err := s.DecodeExtra(json.RawMessage(`{"deliver_to":null}`)); err != nil {
		t.Errorf("null for the extra property: got %v", err)
	}
	if _, _, err := s.DecodeExtra(json.RawMessage(`{"name":null}`)); err == nil {
		t.Error("null for a property of the struct: got no error")
	}
}

type nullRefuser struct {
	Name string `json:"name,omitempty"`
}

func (nullRefuser) CheckNull(properties []string) []schema.Fault {
	return []schema.Fault{{Property: properties[0], Problem: "not null"}}
}

func TestImpossibleExtraProperties(t *testing.T) {
	for name, p := range map[string]schema.Property{
		"exists":    {Name: "id", Enum: []string{"a"}},
		"no values": {Name: "deliver_to"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("it was accepted")
				}
			}()
			schema.ForInput[checked](p)
		})
	}
}
