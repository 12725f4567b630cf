package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestDecode(t *testing.T) {
	expires := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		in   string
		want keyInput
	}{
		{"all", `{"name":"ci","rate_limit_tier":"high","expires_at":"2027-01-31T00:00:00Z","role_id":"3F0e8c1a-5d2b-4e7f-9a6c-1b2d3e4f5a6b"}`,
			keyInput{"ci", "high", &expires, "3F0e8c1a-5d2b-4e7f-9a6c-1b2d3e4f5a6b"}},
		{"null is absent", `{"name":"ci","rate_limit_tier":null,"expires_at":null,"role_id":null}`, keyInput{Name: "ci"}},
		{"128 characters", `{"name":"` + strings.Repeat("😀", 128) + `"}`, keyInput{Name: strings.Repeat("😀", 128)}},
		{"128 surrogate pairs", `{"name":"` + strings.Repeat(`\ud83d\ude00`, 128) + `"}`, keyInput{Name: strings.Repeat("😀", 128)}},
		{"escapes", `{"na\u006de":"<\"&\u0000>","expires_at":"2027-01-31T00:00:00\u005a"}`, keyInput{Name: "<\"&\x00>", ExpiresAt: &expires}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := schema.ForInput[keyInput]().Decode(json.RawMessage(tt.in))
			if err != nil {
				t.Fatalf("Decode(%s): %v", tt.in, err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("Decode(%s) = %+v, want %+v", tt.in, got, tt.want)
			}
		})
	}
}

func TestDecodeEverything(t *testing.T) {
	const in = ` {"limit":1e1,"offset":9223372036854775807,"email":"jane@example.com","slug":"a,b","active":true,
		"ratio":0.5,"even":-0,"code":"äöü","role":{"id":"r","level":-1.280e2,"tags":null},"roles":[{"id":"s","tags":["x"]}],
		"labels":{"a":"b"},"any":{"n":12345678901234567890,"null":null},"bytes":"aGk=","since":"2027-01-31T00:00:00.5+02:00"} `
	got, err := schema.ForInput[everything]().Decode(json.RawMessage(in))
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	out, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"limit":10,"offset":9223372036854775807,"email":"jane@example.com","slug":"a,b","active":true,` +
		`"ratio":0.5,"code":"äöü","role":{"id":"r","level":-128},"roles":[{"id":"s","tags":["x"]}],` +
		`"labels":{"a":"b"},"any":{"n":12345678901234567890,"null":null},"bytes":"aGk=","since":"2027-01-31T00:00:00.5+02:00"}`
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}

func TestDecodeNothing(t *testing.T) {
	for _, in := range []string{"", " ", "null", "\n null\t", "{}"} {
		if _, err := schema.ForInput[struct{}]().Decode(json.RawMessage(in)); err != nil {
			t.Errorf("Decode(%q): %v", in, err)
		}
		_, err := schema.ForInput[keyInput]().Decode(json.RawMessage(in))
		if got, want := fmt.Sprint(err), "missing property 'name'"; got != want {
			t.Errorf("Decode(%q): %q, want %q", in, got, want)
		}
	}
	if _, err := schema.ForInput[struct{}]().Decode(nil); err != nil {
		t.Errorf("Decode(nil): %v", err)
	}
}

func TestDecodeRefusesKey(t *testing.T) {
	const (
		tier = "'rate_limit_tier' must be 'standard' or 'high'"
		date = "'expires_at' must be a date and time with a time zone as in RFC 3339, such as 2027-01-31T00:00:00Z"
		uuid = "'role_id' must be a UUID, such as 3f0e8c1a-5d2b-4e7f-9a6c-1b2d3e4f5a6b"
		all  = " (properties are 'name', 'rate_limit_tier', 'expires_at' and 'role_id')"
	)
	s := schema.ForInput[keyInput]()
	for _, tt := range []struct {
		name string
		in   string
		want string
	}{
		{"array", `[]`, "arguments must be an object"},
		{"string", `"s3cret"`, "arguments must be an object"},
		{"number", `7`, "arguments must be an object"},
		{"bool", `true`, "arguments must be an object"},
		{"syntax", `{"name":`, "arguments are not valid JSON"},
		{"two values", `{"name":"a"}{}`, "arguments are not valid JSON"},
		{"not UTF-8", "{\"name\":\"\xff\"}", "arguments are not valid JSON"},
		{"required null", `{"name":null}`, "'name' must be a string, not null"},
		{"wrong type", `{"name":4711}`, "'name' must be a string, not a number"},
		{"boolean", `{"name":true}`, "'name' must be a string, not a boolean"},
		{"array", `{"name":["x"]}`, "'name' must be a string, not an array"},
		{"too short", `{"name":""}`, "'name' must be 1 to 128 characters long, not 0"},
		{"too long", `{"name":"` + strings.Repeat("é", 129) + `"}`, "'name' must be 1 to 128 characters long, not 129"},
		{"enum", `{"name":"a","rate_limit_tier":"s3cret"}`, tier},
		{"uuid", `{"name":"a","role_id":"s3cret"}`, uuid},
		{"empty uuid", `{"name":"a","role_id":""}`, uuid},
		{"date without time", `{"name":"a","expires_at":"2027-01-31"}`, date},
		{"date without zone", `{"name":"a","expires_at":"2027-01-31T00:00:00"}`, date},
		{"lower case date", `{"name":"a","expires_at":"2027-01-31t00:00:00z"}`, date},
		{"leap second", `{"name":"a","expires_at":"2016-12-31T23:59:60Z"}`, date},
		{"comma", `{"name":"a","expires_at":"2027-01-31T00:00:00,5Z"}`, date},
		{"short hour", `{"name":"a","expires_at":"2027-01-31T0:00:00Z"}`, date},
		{"60 minutes", `{"name":"a","expires_at":"2027-01-31T00:00:00+00:60"}`, date},
		{"zone out of range", `{"name":"a","expires_at":"2027-01-31T00:00:00+24:00"}`, date},
		{"no such day", `{"name":"a","expires_at":"2027-02-29T00:00:00Z"}`, date},
		{"case", `{"Name":"a"}`, "missing property 'name'; unknown property 'Name' (did you mean 'name'?)"},
		{"camel case", `{"name":"a","rateLimitTier":"high"}`, "unknown property 'rateLimitTier' (did you mean 'rate_limit_tier'?)"},
		{"hyphens", `{"name":"a","RATE-limit-tier":"high"}`, "unknown property 'RATE-limit-tier' (did you mean 'rate_limit_tier'?)"},
		{"unknown", `{"name":"a","colour":"s3cret","angle":1,"Role_ID":"x"}`,
			"unknown property 'Role_ID' (did you mean 'role_id'?); unknown property 'angle'" + all + "; unknown property 'colour'"},
		{"unknown, nasty", `{"name":"a","x\n\u001b[31m\u202e'\"":1}`, `unknown property 'x\n\x1b[31m\u202e\'"'` + all},
		{"unknown, long", `{"name":"a","` + strings.Repeat("ä", 41) + `":1}`, "unknown property '" + strings.Repeat("ä", 40) + "…'" + all},
		{"unknown null", `{"name":"a","colour":null}`, "unknown property 'colour'" + all},
		{"twice", `{"name":"a","na\u006de":"b","name":"c"}`, "property 'name' is given twice"},
		{"twice, one of them null", `{"name":"a","role_id":null,"role_id":null}`, "property 'role_id' is given twice"},
		{"all at once", `{"role_id":1,"expires_at":"x","rate_limit_tier":"x","Colour":1}`,
			"missing property 'name'; " + tier + "; " + date + "; 'role_id' must be a string, not a number; unknown property 'Colour'" + all},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Decode(json.RawMessage(tt.in))
			if _, ok := errors.AsType[schema.Faults](err); !ok {
				t.Fatalf("Decode(%s): %T, want Faults", tt.in, err)
			}
			if err.Error() != tt.want {
				t.Errorf("Decode(%s)\ngot  %s\nwant %s", tt.in, err, tt.want)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("Decode(%s) repeats a value: %s", tt.in, err)
			}
			if got != (keyInput{}) {
				t.Errorf("Decode(%s) = %+v beside its error", tt.in, got)
			}
		})
	}
}

func TestDecodeRefusesEverything(t *testing.T) {
	s := schema.ForInput[everything]()
	for _, tt := range []struct{ in, property, want string }{
		{`{"limit":0}`, "limit", "'limit' must be between 1 and 100"},
		{`{"limit":101}`, "limit", "'limit' must be between 1 and 100"},
		{`{"limit":1.5}`, "limit", "'limit' must be a whole number"},
		{`{"limit":"1"}`, "limit", "'limit' must be a whole number, not a string"},
		{`{"offset":9223372036854775808}`, "offset", "'offset' must be between 0 and 9223372036854775807"},
		{`{"even":-2}`, "even", "'even' must be between 0 and 9000000000000000000"},
		{`{"even":3}`, "even", "'even' must be a multiple of 2"},
		{`{"ratio":0}`, "ratio", "'ratio' must be more than 0"},
		{`{"ratio":1}`, "ratio", "'ratio' must be less than 1"},
		{`{"email":"s3cret"}`, "email", "'email' must be an email address, such as jane@example.com"},
		{`{"slug":"S3CRET"}`, "slug", "'slug' must match the pattern ^[a-z,]+$"},
		{`{"active":"yes"}`, "active", "'active' must be true or false, not a string"},
		{`{"code":"ab"}`, "code", "'code' must be exactly 3 characters long, not 2"},
		{`{"short":"ab"}`, "short", "'short' must be at most 1 character long, not 2"},
		{`{"role":{}}`, "role.id", "missing property 'role.id'"},
		{`{"role":{"id":null}}`, "role.id", "'role.id' must be a string, not null"},
		{`{"role":{"id":"x","level":128}}`, "role.level", "'role.level' must be between -128 and 127"},
		{`{"role":{"id":"x","Level":1}}`, "role.Level", "unknown property 'role.Level' (did you mean 'role.level'?)"},
		{`{"role":{"id":"x","x":1}}`, "role.x", "unknown property 'role.x' (properties are 'id', 'level' and 'tags')"},
		{`{"role":{"id":"x","id":"x"}}`, "role.id", "property 'role.id' is given twice"},
		{`{"role":{"id":"x","tags":["a","b","a"]}}`, "role.tags", "'role.tags' must not contain an item twice, as [0] and [2] do"},
		{`{"role":{"id":"x","tags":["a","b","c","d"]}}`, "role.tags", "'role.tags' must have at most 3 items, not 4"},
		{`{"role":{"id":"x","tags":["a",null]}}`, "role.tags[1]", "'role.tags[1]' must be a string, not null"},
		{`{"roles":[]}`, "roles", "'roles' must have at least 1 item, not 0"},
		{`{"roles":{}}`, "roles", "'roles' must be an array, not an object"},
		{`{"roles":[{"id":"a"},{"id":"b","id":"c"}]}`, "roles[1].id", "property 'roles[1].id' is given twice"},
		{`{"roles":[{"id":"a"},{}]}`, "roles[1].id", "missing property 'roles[1].id'"},
		{`{"labels":{"a\nb":1}}`, `labels.a\nb`, `'labels.a\nb' must be a string, not a number`},
		{`{"labels":{"a":"b","a":"c"}}`, "labels.a", "property 'labels.a' is given twice"},
		{`{"any":{"a":[{"b":1,"b":2}]}}`, "any.a.0.b", "property 'any.a.0.b' is given twice"},
		{`{"bytes":"%"}`, "bytes", "'bytes' must be encoded as base64"},
		{`{"_":"x","page":{}}`, "_", ""},
	} {
		t.Run(tt.in, func(t *testing.T) {
			_, err := s.Decode(json.RawMessage(tt.in))
			faults, _ := errors.AsType[schema.Faults](err)
			if len(faults) == 0 {
				t.Fatalf("Decode(%s): %v, want Faults", tt.in, err)
			}
			if got := faults[0].Property; got != tt.property {
				t.Errorf("Decode(%s): property %q, want %q", tt.in, got, tt.property)
			}
			if got := err.Error(); tt.want != "" && got != tt.want {
				t.Errorf("Decode(%s)\ngot  %s\nwant %s", tt.in, got, tt.want)
			}
		})
	}
}

// The order of faults is that of the properties, whatever that of the input.
func TestDecodeOrder(t *testing.T) {
	const in = `{"x":1,"roles":[{"x":1},{"id":1,"tags":[1,"123456"]}],"email":"","a":1,"role":{"level":1.5},"limit":0}`
	const want = "'limit' must be between 1 and 100; 'email' must be an email address, such as jane@example.com; " +
		"missing property 'role.id'; 'role.level' must be a whole number; " +
		"missing property 'roles[0].id'; unknown property 'roles[0].x' (properties are 'id', 'level' and 'tags'); " +
		"'roles[1].id' must be a string, not a number; 'roles[1].tags[0]' must be a string, not a number; " +
		"'roles[1].tags[1]' must be at most 5 characters long, not 6; " +
		"unknown property 'a' (properties are 'limit', 'offset', 'email', 'slug', 'active', 'ratio', 'even', 'code', " +
		"'short', 'role', 'roles', 'labels', 'any', 'bytes' and 'since'); unknown property 'x'"
	s := schema.ForInput[everything]()
	for range 20 {
		_, err := s.Decode(json.RawMessage(in))
		if got := fmt.Sprint(err); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

func TestDecodeUnknownInEmpty(t *testing.T) {
	_, err := schema.ForInput[struct{}]().Decode(json.RawMessage(`{"a":1}`))
	if got, want := fmt.Sprint(err), "unknown property 'a' (there are no properties)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What a sender adds on its own is dropped, whatever it is, at the top level only and
// only if it is not a property.
func TestDecodeIgnores(t *testing.T) {
	s := schema.ForInput[checked]()
	for _, value := range []string{`true`, `null`, `"x"`, `{"a":1,"a":2}`, `[[[]]]`, `1e999999999`, strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		in := `{"extra":` + value + `,"id":"ab","name":"x","scopes":["a"],"extra":1}`
		if got, err := s.Decode(json.RawMessage(in), "extra"); err != nil || got.Name != "x" {
			t.Errorf("Decode(%s): got %+v, %v", in, got, err)
		}
	}
	for _, tt := range []struct{ in, ignored, want string }{
		{`{"id":"ab","name":"x","scopes":["a"],"Extra":1}`, "extra", "unknown property 'Extra'"},
		{`{"id":"ab","name":"x","scopes":["a"],"extra":1,"other":1}`, "extra", "unknown property 'other'"},
		{`{"id":"ab","name":"x","scopes":["a"],"extra":1}`, "", "unknown property 'extra'"},
		{`{"id":"a","name":"x","scopes":["a"]}`, "id", "'id' must be at least 2 characters long, not 1"},
	} {
		if _, err := s.Decode(json.RawMessage(tt.in), tt.ignored); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("Decode(%s): got %v, want %s", tt.in, err, tt.want)
		}
	}
	if _, err := schema.ForInput[everything]().Decode(json.RawMessage(`{"role":{"id":"x","extra":1}}`), "extra"); err == nil {
		t.Error("it was dropped below the top level")
	}
}

func TestDecodeHuge(t *testing.T) {
	s := schema.ForInput[everything]()
	var members strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&members, `"p%d":1,`, i)
	}
	for _, tt := range []struct{ name, in, want string }{
		{"nested", `{"any":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`, "arguments are nested more than 100 levels deep"},
		{"nested very deeply", `{"any":` + strings.Repeat(`{"a":`, 1e6) + "1" + strings.Repeat("}", 1e6) + `}`, "arguments are not valid JSON"},
		{"exponent", `{"ratio":1e999999999}`, "arguments contain a number that is too large or too long"},
		{"negative exponent", `{"limit":1e-999999999}`, "arguments contain a number that is too large or too long"},
		{"too large", `{"any":1e309}`, "arguments contain a number that is too large or too long"},
		{"zero", `{"ratio":0e99999999999999999999}`, "arguments contain a number that is too large or too long"},
		{"digits", `{"even":` + strings.Repeat("9", 1e6) + `}`, "arguments contain a number that is too large or too long"},
		{"members", `{` + members.String() + `"limit":0}`, "; and 99951 more faults"},
		{"items", `{"roles":[` + strings.Repeat("1,", 1e5) + `1]}`, "; and 99951 more faults"},
		{"name", `{"` + strings.Repeat("x", 1e6) + `":1}`, "'since')"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Decode(json.RawMessage(tt.in))
			if got := fmt.Sprint(err); !strings.HasSuffix(got, tt.want) || len(got) > 1e4 {
				t.Errorf("got %.300s, want %s", got, tt.want)
			}
		})
	}
	if _, err := s.Decode(json.RawMessage(`{"any":` + strings.Repeat("[", 99) + strings.Repeat("]", 99) + `}`)); err != nil {
		t.Errorf("100 levels: %v", err)
	}
}

type checked struct {
	ID      string   `json:"id" jsonschema:"minLength=2"`
	Name    string   `json:"name,omitempty"`
	Confirm string   `json:"confirm,omitempty"`
	Scopes  []string `json:"scopes,omitempty" jsonschema:"maxItems=2"`
}

func (c checked) Check() []schema.Fault {
	var faults []schema.Fault
	if c.Name == "" && c.Confirm == "" {
		faults = append(faults, schema.Fault{Problem: "give 'name' or 'confirm'"})
	}
	if c.Confirm != "" && c.Confirm != "yes" {
		faults = append(faults, schema.Fault{Property: "confirm", Problem: "'confirm' must be 'yes'"})
	}
	if len(c.Scopes) == 0 {
		faults = append(faults, schema.Fault{Property: "scopes[0]", Problem: "'scopes[0]' must be there"})
	}
	return faults
}

func TestDecodeChecks(t *testing.T) {
	s := schema.ForInput[checked]()
	for _, tt := range []struct{ name, in, want string }{
		{"sound", `{"id":"ab","name":"x","scopes":["a"]}`, "<nil>"},
		{"rule alone", `{"id":"ab","confirm":"no","scopes":["a"]}`, "'confirm' must be 'yes'"},
		{"whole value", `{"id":"ab","scopes":["a"]}`, "give 'name' or 'confirm'"},
		{"merged in order", `{"id":"a","confirm":"no"}`,
			"'id' must be at least 2 characters long, not 1; 'confirm' must be 'yes'; 'scopes[0]' must be there"},
		{"one fault per property", `{"id":"ab","name":"x","scopes":["a",1]}`, "'scopes[1]' must be a string, not a number"},
		{"whole value and missing", `{"scopes":["a"]}`, "give 'name' or 'confirm'; missing property 'id'"},
		{"whole value that is not whole", `{"id":"ab","name":1,"scopes":["a"]}`, "'name' must be a string, not a number"},
		{"unknown", `{"id":"ab","Name":"x","scopes":["a"]}`, "unknown property 'Name' (did you mean 'name'?)"},
		{"twice", `{"id":"ab","confirm":"yes","confirm":"no","scopes":["a"]}`, "property 'confirm' is given twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.Decode(json.RawMessage(tt.in))
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("Decode(%s)\ngot  %s\nwant %s", tt.in, got, tt.want)
			}
		})
	}
}

// compiled is the published schema as another program would read it.
func compiled(t testing.TB, published json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(published)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.AssertContent()
	if err := c.AddResource("https://example.com/schema", doc); err != nil {
		t.Fatal(err)
	}
	return c.MustCompile("https://example.com/schema")
}

func TestDecodeAgreesWithSchema(t *testing.T) {
	s := schema.ForInput[everything]()
	judge := compiled(t, s.JSON())
	for _, in := range []string{
		`{}`, `[]`, `"x"`, `1`, `false`,
		`{"limit":1}`, `{"limit":1.0}`, `{"limit":1e2}`, `{"limit":1e3}`, `{"limit":0.1}`, `{"limit":100}`, `{"limit":"1"}`,
		`{"offset":9223372036854775807}`, `{"offset":9223372036854775808}`, `{"offset":1e30}`, `{"offset":-1}`, `{"offset":-0.0}`,
		`{"even":-0}`, `{"even":2e0}`, `{"even":8999999999999999998}`, `{"even":9000000000000000002}`,
		`{"ratio":0.5}`, `{"ratio":1}`, `{"ratio":1e-300}`, `{"ratio":"0.5"}`,
		`{"email":"a@b.c"}`, `{"email":"a"}`, `{"email":""}`, `{"slug":"abc"}`, `{"slug":"a-b"}`, `{"slug":""}`,
		`{"active":false}`, `{"active":0}`, `{"code":"😀😀😀"}`, `{"code":"abcd"}`, `{"short":""}`,
		`{"role":{"id":"x"}}`, `{"role":{"id":"x","more":1}}`, `{"role":{}}`, `{"role":[]}`,
		`{"role":{"id":"","tags":["a","b"]}}`, `{"role":{"id":"","tags":["a","a"]}}`, `{"role":{"id":"","tags":["abcdef"]}}`,
		`{"role":{"id":"","level":-128}}`, `{"role":{"id":"","level":-129}}`, `{"role":{"id":"","level":12.70e1}}`,
		`{"roles":[{"id":"x"}]}`, `{"roles":[]}`, `{"roles":[1]}`, `{"labels":{}}`, `{"labels":{"":""}}`, `{"labels":{"a":null}}`,
		`{"any":[1,{"a":null}]}`, `{"bytes":"aGk="}`, `{"bytes":"aGk"}`, `{"bytes":""}`,
		`{"since":"2027-01-31T00:00:00Z"}`, `{"since":"2027-01-31T00:00:00-23:59"}`, `{"since":"2027-01-31"}`, `{"since":1}`,
		`{"Limit":1}`, `{"":1}`,
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		want := judge.Validate(doc)
		_, got := s.Decode(json.RawMessage(in))
		if (got == nil) != (want == nil) {
			t.Errorf("Decode(%s): %v, the schema says %v", in, got, want)
		}
	}
}

func TestDecodeConcurrently(t *testing.T) {
	s := schema.ForInput[everything]()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := s.Decode(json.RawMessage(`{"limit":1,"role":{"id":"x"}}`)); err != nil {
				t.Error(err)
			}
			if _, err := s.Decode(json.RawMessage(`{"limit":0,"rolf":{}}`)); err == nil {
				t.Error("accepted")
			}
		})
	}
	all.Wait()
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"name":"x"}`, `{"a":1,"a":2}`, `{"any":[[[]]]}`, `{"limit":1.0e1,"offset":-0}`,
		`{"ratio":1e400}`, `{"ratio":0.1e-5,"even":18446744073709551614}`, `{"since":"0000-01-01T00:00:00+23:59"}`,
		`{"since":"2027-01-31T00:00:00.0000000000001Z"}`, `{"email":"\"a b\"@[127.0.0.1]"}`, `{"slug":"\ud800"}`,
		`{"active":true,"code":"\ud83d\ude00ab","role":{"id":"","level":1,"tags":["a",null]},"roles":[{"id":""}]}`,
		`{"labels":{"":"","\u0000":"x"},"any":{"a":1e300},"bytes":"aGk="}`, "{\"\xff\":1}", `{"limit":null,"x":null}`,
	} {
		f.Add([]byte(seed))
	}
	s := schema.ForInput[everything]()
	f.Fuzz(func(t *testing.T, in []byte) {
		value, err := s.Decode(in)
		if err != nil {
			if err.Error() == "" || strings.Contains(err.Error(), "cannot be decoded") {
				t.Fatalf("Decode(%q): %v", in, err)
			}
			return
		}
		out, err := json.Marshal(value)
		if err != nil {
			t.Fatalf("Marshal of Decode(%q): %v", in, err)
		}
		again, err := s.Decode(out)
		if err != nil {
			t.Fatalf("Decode(%s), from %q: %v", out, in, err)
		}
		if twice, _ := json.Marshal(again); string(twice) != string(out) {
			t.Fatalf("Decode(%q): %s, then %s", in, out, twice)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	s := schema.ForInput[keyInput]()
	in := json.RawMessage(`{"name":"Production CI","rate_limit_tier":"high","expires_at":"2027-01-31T00:00:00Z"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Decode(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeFaults(b *testing.B) {
	s := schema.ForInput[keyInput]()
	in := json.RawMessage(`{"Name":"Production CI","rate_limit_tier":"hi","expires_at":"2027-01-31"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Decode(in); err == nil {
			b.Fatal("accepted")
		}
	}
}

type checkedByPointer struct{}

func (*checkedByPointer) Check() []schema.Fault { return []schema.Fault{{Problem: "refused"}} }

func TestCheckWithPointerReceiver(t *testing.T) {
	if _, err := schema.ForInput[checkedByPointer]().Decode(nil); err == nil || err.Error() != "refused" {
		t.Errorf("got %v, want refused", err)
	}
}

type keepsExpiry struct {
	Name    string `json:"name"`
	Tier    string `json:"tier,omitempty"`
	Expires string `json:"expires,omitempty"`
}

func (k keepsExpiry) Check() []schema.Fault {
	if k.Tier == "" && k.Expires == "" {
		return []schema.Fault{{Problem: "give 'tier' or 'expires'"}}
	}
	return nil
}

func (keepsExpiry) CheckNull(properties []string) []schema.Fault {
	if !reflect.DeepEqual(properties, []string{"expires"}) {
		return nil
	}
	return []schema.Fault{{Property: "expires", Problem: "'expires' cannot be removed"}}
}

// A type can tell null from absent, and only null for an optional property.
func TestDecodeChecksNull(t *testing.T) {
	for in, want := range map[string]string{
		`{"name":"a","expires":null}`:             "'expires' cannot be removed",
		`{"name":"a","tier":"b","expires":null}`:  "'expires' cannot be removed",
		`{"expires":null}`:                        "missing property 'name'; 'expires' cannot be removed",
		`{"name":"a","tier":null,"expires":null}`: "give 'tier' or 'expires'",
		`{"name":"a"}`:                            "give 'tier' or 'expires'",
		`{"name":"a","tier":"b"}`:                 "<nil>",
		`{"name":null,"tier":"b"}`:                "'name' must be a string, not null",
	} {
		_, err := schema.ForInput[keepsExpiry]().Decode(json.RawMessage(in))
		if got := fmt.Sprint(err); got != want {
			t.Errorf("Decode(%s): got %q, want %q", in, got, want)
		}
	}
}
