package contract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// bodies checks the bodies of requests and responses. It compiles each schema once, while
// package openapi3filter compiles it for every body.
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

// checkRequest returns the differences between the body of a request and the description.
func (b *bodies) checkRequest(route *routers.Route, x faulty.Exchange) error {
	request := route.Operation.RequestBody
	if request == nil {
		return noBody(x.Body)
	}
	if len(x.Body) == 0 && !request.Value.Required {
		return nil
	}
	pointer := cmp.Or(request.Ref, pointerTo(route)+"/requestBody")
	return b.check(request.Value.Content, pointer, x.Header, x.Body)
}

// checkResponse returns the differences between the body of a response and the
// description of its status.
func (b *bodies) checkResponse(route *routers.Route, x faulty.Exchange) error {
	response := route.Operation.Responses.Status(x.Status)
	if len(response.Value.Content) == 0 {
		return noBody(x.ResponseBody)
	}
	pointer := cmp.Or(response.Ref, pointerTo(route)+"/responses/"+strconv.Itoa(x.Status))
	return b.check(response.Value.Content, pointer, x.ResponseHeader, x.ResponseBody)
}

func noBody(body []byte) error {
	if len(body) > 0 {
		return errors.New("it has a body, and none is described")
	}
	return nil
}

// check validates a body with the schema for its content type. The pointer is that of the
// request or response that has this content.
func (b *bodies) check(content openapi3.Content, pointer string, header http.Header, body []byte) error {
	if len(body) == 0 {
		return errors.New("it has no body, and one is described")
	}
	contentType := header.Get("Content-Type")
	if content[contentType] == nil {
		return fmt.Errorf("content type %q is not described", contentType)
	}
	schema, err := b.compile(pointer + "/content/" + escape(contentType) + "/schema")
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("decode the body: %w", err)
	}
	return schema.Validate(value)
}

// pointerTo returns the JSON pointer to an operation, in a URL fragment.
func pointerTo(route *routers.Route) string {
	return "#/paths/" + escape(route.Path) + "/" + strings.ToLower(route.Method)
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
