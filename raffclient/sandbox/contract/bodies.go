package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// bodies checks the bodies of responses. It compiles each schema once, while package
// openapi3filter compiles it for every response.
type bodies struct {
	mu       sync.Mutex
	compiler *jsonschema.Compiler // which keeps the schemas that it has compiled
}

// resource is the URL of the description in the compiler.
const resource = "mem:///description.json"

func newBodies(doc *openapi3.T) (*bodies, error) {
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.RegisterFormat(&jsonschema.Format{Name: "uuid", Validate: ifString(isUUID)})
	compiler.RegisterFormat(&jsonschema.Format{Name: "email", Validate: ifString(isEmail)})
	compiler.AssertFormat()
	if err := compiler.AddResource(resource, value); err != nil {
		return nil, err
	}
	return &bodies{compiler: compiler}, nil
}

// ifString returns a check that applies only to strings, as formats do.
func ifString(check func(string) error) func(any) error {
	return func(value any) error {
		if s, ok := value.(string); ok {
			return check(s)
		}
		return nil
	}
}

// check returns the differences between the body of a response and the description of
// its status.
func (b *bodies) check(route *routers.Route, x faulty.Exchange) error {
	response := route.Operation.Responses.Status(x.Status)
	if len(response.Value.Content) == 0 {
		if len(x.ResponseBody) > 0 {
			return errors.New("it has a body, and none is described")
		}
		return nil
	}
	contentType := x.ResponseHeader.Get("Content-Type")
	if response.Value.Content[contentType] == nil {
		return fmt.Errorf("content type %q is not described", contentType)
	}
	pointer := response.Ref
	if pointer == "" {
		pointer = "#/paths/" + escape(route.Path) + "/" + strings.ToLower(route.Method) + "/responses/" + strconv.Itoa(x.Status)
	}
	schema, err := b.compile(pointer + "/content/" + escape(contentType) + "/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(x.ResponseBody))
	if err != nil {
		return fmt.Errorf("decode the body: %w", err)
	}
	return schema.Validate(value)
}

// compile returns the schema at a JSON pointer into the description.
func (b *bodies) compile(pointer string) (*jsonschema.Schema, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.compiler.Compile(resource + pointer)
}

// escape returns an element of a JSON pointer in a URL fragment.
func escape(element string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(element)
}
