package confedit_test

import (
	"fmt"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

func ExampleSyntax() {
	text := []byte(`{
    "servers": {
        "fetch": { "command": "uvx" }, // needs uv
    },
}
`)
	entry := confedit.Object{
		{Name: "type", Value: "stdio"},
		{Name: "command", Value: "/usr/local/bin/raff-mcp"},
	}
	text, err := confedit.JSONC().Set(text, []string{"servers"}, "raff", entry)
	fmt.Printf("%s%v\n", text, err)
	fmt.Printf("%s", confedit.TOML().Format([]string{"mcp_servers"}, "raff", entry))
	// Output:
	// {
	//     "servers": {
	//         "fetch": { "command": "uvx" }, // needs uv
	//         "raff": {
	//             "type": "stdio",
	//             "command": "/usr/local/bin/raff-mcp"
	//         },
	//     },
	// }
	// <nil>
	// [mcp_servers.raff]
	// type = "stdio"
	// command = "/usr/local/bin/raff-mcp"
}
