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

	body := strings.NewReader(`{"name": "Production CI", "role_id": "` + sandbox.RoleID("admin") + `"}`)
	req, err := http.NewRequest("POST", "https://api.rafftechnologies.com/api/v1/api-keys", body)
	if err != nil {
		fmt.Println(err)
		return
	}
	req.Header.Set("X-API-Key", api.OwnerKey().Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var created struct {
		Data struct {
			Name     string `json:"name"`
			RoleName string `json:"role_name"`
			Secret   string `json:"secret"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&created); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.StatusCode, created.Data.Name, created.Data.RoleName, len(created.Data.Secret))

	// Output:
	// 201 Production CI Admin 69
}
