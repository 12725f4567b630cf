package faulty_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

func Example() {
	api := faulty.Wrap(sandbox.NewEmpty())
	client := &http.Client{Transport: api.Transport()}

	// The key is created, but the response is lost.
	api.Fail(faulty.Fault{Method: "POST", Cut: true, After: true})

	body := strings.NewReader(`{"name": "Production CI"}`)
	req, err := http.NewRequest("POST", "https://api.rafftechnologies.com/api/v1/api-keys", body)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("X-API-Key", api.OwnerKey().Reveal())
	req.Header.Set("Content-Type", "application/json")
	_, err = client.Do(req)
	fmt.Println("lost:", err != nil, "keys:", len(api.Keys()))

	// Output:
	// lost: true keys: 2
}
