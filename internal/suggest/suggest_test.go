package suggest_test

import (
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/suggest"
)

func TestNearest(t *testing.T) {
	names := []string{"list_api_keys", "get_api_key", "create_api_key", "list_roles", "read-only", "secrets", "secrets-dir", "tools", "call", "version"}
	for word, want := range map[string]string{
		"list_api_key":                       "list_api_keys",
		"get_api_keys":                       "get_api_key",
		"creat_api_key":                      "create_api_key",
		"createApiKey":                       "create_api_key",
		"CREATE-API-KEY":                     "create_api_key",
		"list_keys":                          "list_api_keys",
		"create_key":                         "create_api_key",
		"readonly":                           "read-only",
		"READ_ONYL":                          "read-only",
		"secret":                             "secrets",
		"secrets_dri":                        "secrets-dir",
		"tolls":                              "tools",
		"cal":                                "call",
		"clal":                               "call",
		"revoke_api_key":                     "",
		"list":                               "",
		"serve":                              "",
		"ca":                                 "",
		"":                                   "",
		strings.Repeat("list_api_keys", 100): "",
		"日本語日本語":                             "",
	} {
		if got := suggest.Nearest(word, names); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"tolls":                                 ` "tolls"`,
		"list-api-keyz":                         ` "list-api-keyz"`,
		"RAFF_MCP_SECRET":                       "",
		"v2":                                    ` "v2"`,
		"raff_production":                       "",
		"raff_5ec2e7c0ffee0123456789abcdef5ec2": "",
		"RAFF_API_KEY=x":                        "",
		"sk-1234567890":                         "",
		"5ec2e7c0ffee0123456789abcdef5ec2":      "",
		"abcdefghijklmnopqrstuvwxyz":            "",
		"a\nb":                                  "",
		"two words":                             "",
		"":                                      "",
		"one-two-three-four-five-six-seven-eight":  "",
		"../../etc/passwd":                         "",
		"https://example.com/?token=abcdefghijklm": "",
	} {
		if got := suggest.Quote(word); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
