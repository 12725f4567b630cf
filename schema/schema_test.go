package schema_test

import (
	"encoding/json"
	"fmt"
	"go/token"
	"net/url"
	"strings"
	"testing"
	"time"

	invopop "github.com/invopop/jsonschema"
	"github.com/rafftechnologies/raff-mcp/schema"
)

type keyInput struct {
	Name          string     `json:"name" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"What it is for, in a few words."`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high,default=standard"`
	ExpiresAt     *time.Time `json:"expires_at,omitempty"`
	RoleID        string     `json:"role_id,omitempty" jsonschema:"format=uuid"`
}

type page struct {
	Limit  int `json:"limit,omitzero" jsonschema:"minimum=1,maximum=100"`
	Offset int `json:"offset,omitzero" jsonschema:"minimum=0"`
}

type role struct {
	ID    string   `json:"id"`
	Level *int8    `json:"level,omitempty"`
	Tags  []string `json:"tags,omitempty" jsonschema:"maxItems=3,uniqueItems=true,maxLength=5"`
}

type everything struct {
	page
	Email  string            `json:"email,omitempty" jsonschema:"format=email"`
	Slug   string            `json:"slug,omitempty" jsonschema:"pattern=^[a-z\\,]+$"`
	Active *bool             `json:"active,omitempty"`
	Ratio  float64           `json:"ratio,omitempty" jsonschema:"exclusiveMinimum=0,exclusiveMaximum=1"`
	Even   uint              `json:"even,omitempty" jsonschema:"multipleOf=2,maximum=9000000000000000000"`
	Code   string            `json:"code,omitempty" jsonschema:"minLength=3,maxLength=3"`
	Short  string            `json:"short,omitempty" jsonschema:"maxLength=1"`
	Role   *role             `json:"role,omitempty"`
	Roles  []role            `json:"roles,omitempty" jsonschema:"minItems=1"`
	Labels map[string]string `json:"labels,omitempty"`
	Any    any               `json:"any,omitempty"`
	Bytes  []byte            `json:"bytes,omitempty"`
	Since  time.Time         `json:"since,omitzero"`
	_      string
}

func TestForInput(t *testing.T) {
	for _, tt := range []struct {
		name string
		got  json.RawMessage
		want string
	}{
		{"empty", schema.ForInput[struct{}]().JSON(),
			`{"properties":{},"additionalProperties":false,"type":"object"}`},
		{"key", schema.ForInput[keyInput]().JSON(),
			`{"properties":{` +
				`"name":{"type":"string","maxLength":128,"minLength":1,"description":"What it is for, in a few words."},` +
				`"rate_limit_tier":{"type":"string","enum":["standard","high"],"default":"standard"},` +
				`"expires_at":{"type":"string","format":"date-time"},` +
				`"role_id":{"type":"string","format":"uuid"}},` +
				`"additionalProperties":false,"type":"object","required":["name"]}`},
		{"embedded, with bounds of the type", schema.ForInput[struct{ page }]().JSON(),
			`{"properties":{` +
				`"limit":{"type":"integer","maximum":100,"minimum":1},` +
				`"offset":{"type":"integer","maximum":9223372036854775807,"minimum":0}},` +
				`"additionalProperties":false,"type":"object"}`},
		{"nested", schema.ForInput[struct {
			Roles []*role `json:"roles"`
		}]().JSON(),
			`{"properties":{"roles":{"items":{"properties":{` +
				`"id":{"type":"string"},` +
				`"level":{"type":"integer","maximum":127,"minimum":-128},` +
				`"tags":{"items":{"type":"string","maxLength":5},"type":"array","maxItems":3,"uniqueItems":true}},` +
				`"additionalProperties":false,"type":"object","required":["id"]},"type":"array"}},` +
				`"additionalProperties":false,"type":"object","required":["roles"]}`},
		{"anything is an object", schema.ForInput[struct {
			Any any             `json:"any"`
			Raw json.RawMessage `json:"raw" jsonschema_description:"Text."`
		}]().JSON(),
			`{"properties":{"any":{},"raw":{"description":"Text."}},` +
				`"additionalProperties":false,"type":"object","required":["any","raw"]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.got); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// secretText writes itself, whatever its fields are.
type secretText struct{ Fields int }

func (secretText) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

type secretOutput struct {
	Sensitive bool       `json:"sensitive"`
	Value     string     `json:"value,omitempty" jsonschema:"format=password" jsonschema_extras:"x-sensitive=true" jsonschema_description:"Shown once."`
	Kind      string     `json:"kind" jsonschema:"enum=a,pattern=^a$,minLength=1,maxLength=2,format=uuid,default=a"`
	Made      time.Time  `json:"made"`
	Text      secretText `json:"text"`
}

// Position has a field whose type has the same name in another package.
type Position struct {
	At   token.Position `json:"at"`
	Many []secretOutput `json:"many" jsonschema:"minItems=1"`
	Size int            `json:"size" jsonschema:"maximum=3"`
	Meta map[string]int `json:"meta"`
	Any  any            `json:"any"`
}

func TestForOutput(t *testing.T) {
	const secret = `{"properties":{"sensitive":{"type":"boolean"},` +
		`"value":{"type":"string","format":"password","description":"Shown once.","x-sensitive":true},` +
		`"kind":{"type":"string"},"made":{"type":"string"},"text":{"type":"string"}},` +
		`"type":"object"}`
	const want = `{"properties":{` +
		`"at":{"properties":{"Filename":{"type":"string"},"Offset":{"type":"integer"},"Line":{"type":"integer"},"Column":{"type":"integer"}},` +
		`"type":"object"},` +
		`"many":{"items":` + secret + `,"type":"array"},` +
		`"size":{"type":"integer"},"meta":{"type":"object"},"any":{}},` +
		`"type":"object","required":["at","many","size","meta","any"]}`
	if got := string(schema.ForOutput[Position]()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What is deep within an output is described as an object and no more.
func TestForOutputDepth(t *testing.T) {
	type leaf struct {
		Secret string `json:"secret" jsonschema_description:"Deep."`
	}
	type branch struct {
		Leaf   leaf   `json:"leaf"`
		Leaves []leaf `json:"leaves"`
	}
	type tree struct {
		Branch   branch   `json:"branch"`
		Branches []branch `json:"branches"`
	}
	const b = `{"properties":{"leaf":{"type":"object"},"leaves":{"items":{"type":"object"},"type":"array"}},"type":"object"}`
	const want = `{"properties":{"branch":` + b + `,"branches":{"items":` + b + `,"type":"array"}},"type":"object","required":["branch","branches"]}`
	if got := string(schema.ForOutput[tree]()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

type readsItself struct{ X int }

func (*readsItself) UnmarshalText([]byte) error { return nil }

type choice struct{}

func (choice) JSONSchema() *invopop.Schema {
	return &invopop.Schema{Type: "object", OneOf: []*invopop.Schema{{Type: "object"}}}
}

func TestForInputPanics(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   func()
		want string
	}{
		{"not a struct", func() { schema.ForInput[string]() }, "not a struct"},
		{"channel", func() { schema.ForInput[struct{ C chan int }]() }, "chan int is not supported"},
		{"array", func() { schema.ForInput[struct{ A [2]string }]() }, "[2]string is not supported"},
		{"keys", func() { schema.ForInput[struct{ M map[int]string }]() }, "map[int]string is not supported"},
		{"own form", func() { schema.ForInput[struct{ R readsItself }]() }, "own form"},
		{"float32", func() { schema.ForInput[struct{ F float32 }]() }, "float32 is not supported"},
		{"number", func() { schema.ForInput[struct{ N json.Number }]() }, "another type"},
		{"number, outgoing", func() { schema.ForOutput[struct{ N json.Number }]() }, "another type"},
		{"URL", func() { schema.ForInput[struct{ U url.URL }]() }, "another type"},
		{"embedded pointer", func() { schema.ForInput[struct{ *page }]() }, "only structs can be embedded"},
		{"oneOf", func() { schema.ForInput[choice]() }, "oneOf"},
		{"twice", func() {
			schema.ForInput[struct {
				page
				Limit int `json:"limit"`
			}]()
		}, `two properties "limit"`},
		{"string option", func() {
			schema.ForInput[struct {
				A int `json:"a,string"`
			}]()
		}, `"string" is not supported`},
		{"description in the wrong tag", func() {
			schema.ForInput[struct {
				A string `jsonschema:"description=One, two."`
			}]()
		}, "jsonschema_description"},
		{"misspelled", func() {
			schema.ForInput[struct {
				A string `jsonschema:"maxLenght=3"`
			}]()
		}, "maxLenght=3"},
		{"wrong type", func() {
			schema.ForInput[struct {
				A int `jsonschema:"maxLength=3"`
			}]()
		}, "does not apply to int"},
		{"no number", func() {
			schema.ForInput[struct {
				A []string `jsonschema:"maxItems=many"`
			}]()
		}, "invalid value"},
		{"beyond its type", func() {
			schema.ForInput[struct {
				A int8 `jsonschema:"maximum=300"`
			}]()
		}, "invalid value"},
		{"format of a time", func() {
			schema.ForInput[struct {
				A time.Time `jsonschema:"format=uuid"`
			}]()
		}, "does not apply to time.Time"},
		{"format", func() {
			schema.ForInput[struct {
				A string `jsonschema:"format=uuuid"`
			}]()
		}, "invalid value"},
		{"nullable", func() {
			schema.ForInput[struct {
				A string `jsonschema:"nullable"`
			}]()
		}, "does not apply"},
		{"nested", func() {
			schema.ForInput[struct {
				A []struct {
					B *string `jsonschema:"type=array"`
				}
			}]()
		}, "A: B:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.HasPrefix(got, "schema: ") || !strings.Contains(got, tt.want) {
					t.Errorf("panic %q, want one that says %q", got, tt.want)
				}
			}()
			tt.of()
		})
	}
}

func TestCompile(t *testing.T) {
	if err := schema.ForInput[everything]().Compile(); err != nil {
		t.Errorf("Compile: %v", err)
	}
	if err := schema.ForInput[keyInput]().Compile(); err != nil {
		t.Errorf("Compile: %v", err)
	}
	broken := schema.ForInput[struct {
		A string `json:"a" jsonschema:"pattern=["`
	}]()
	if err := broken.Compile(); err == nil {
		t.Error("Compile accepts a pattern that is none")
	}
	if _, err := broken.Decode(json.RawMessage(`{"a":"x"}`)); err == nil {
		t.Error("Decode accepts a value although it cannot check it")
	}
	if err := schema.ForInput[struct {
		A []struct {
			B string `json:"b" jsonschema:"enum=b,default=c"`
		}
	}]().Compile(); err == nil {
		t.Error("Compile accepts a default that is against the schema")
	}
}

func BenchmarkForInput(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		schema.ForInput[keyInput]()
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := schema.ForInput[keyInput]().Compile(); err != nil {
			b.Fatal(err)
		}
	}
}
