package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

func Example() {
	api := sandbox.NewEmpty()
	client := &http.Client{Transport: api.Transport()}

	create := func() (*http.Response, error) {
		body := strings.NewReader(`{"name": "Production CI", "role_id": "` + sandbox.RoleID("admin") + `"}`)
		req, err := http.NewRequest("POST", "https://api.rafftechnologies.com/api/v1/api-keys", body)
		if err != nil {
			return nil, err
		}
		req.Header.Set("X-API-Key", api.OwnerKey().Reveal())
		req.Header.Set("Content-Type", "application/json")
		return client.Do(req)
	}

	resp, err := create()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var answer struct {
		Data struct {
			Name     string `json:"name"`
			RoleName string `json:"role_name"`
			Secret   string `json:"secret"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, answer.Data.Name, answer.Data.RoleName, len(answer.Data.Secret))

	// The next key is made, but nobody learns of it.
	api.Fail(sandbox.Fault{Method: "POST", Cut: true, After: true})
	_, err = create()
	fmt.Println("lost:", err != nil, "keys:", len(api.Keys()))

	// Output:
	// 201 Production CI Admin 69
	// lost: true keys: 3
}
