package schema_test

import (
	"encoding/json"
	"fmt"

	"github.com/rafftechnologies/raff-mcp/schema"
)

func Example() {
	type input struct {
		Name string `json:"name" jsonschema:"minLength=1,maxLength=20"`
		Tier string `json:"tier,omitempty" jsonschema:"enum=standard,enum=high"`
	}
	s := schema.ForInput[input]()
	fmt.Printf("%s\n", s.JSON())

	in, err := s.Decode(json.RawMessage(`{"name": "Production CI", "tier": null}`))
	fmt.Println(in.Name, err)

	_, err = s.Decode(json.RawMessage(`{"Name": "Production CI", "tier": "fast"}`))
	fmt.Println(err)

	// Output:
	// {"properties":{"name":{"type":"string","maxLength":20,"minLength":1},"tier":{"type":"string","enum":["standard","high"]}},"additionalProperties":false,"type":"object","required":["name"]}
	// Production CI <nil>
	// missing property 'name'; 'tier' must be 'standard' or 'high'; unknown property 'Name' (did you mean 'name'?)
}

func ExampleForOutput() {
	type output struct {
		Value string `json:"value,omitempty" jsonschema:"format=password" jsonschema_extras:"x-sensitive=true"`
	}
	fmt.Printf("%s\n", schema.ForOutput[output]())

	// Output:
	// {"properties":{"value":{"type":"string","format":"password","x-sensitive":true}},"type":"object"}
}
