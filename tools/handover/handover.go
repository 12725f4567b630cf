// Package handover gives a one-time secret to whoever is to have it.
//
// How is the administrator's choice and never the model's. There is one way so
// far: inline, in the tool's result, where the assistant and the provider of
// its model can read it.
package handover

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// Secret is what a tool's result says about a secret. It carries its own flag:
// no field of MCP marks a secret, and what stands in the result itself is the
// one mark that reaches every client.
type Secret struct {
	Sensitive bool   `json:"sensitive" jsonschema_description:"Always true: do not repeat, log or store the value."`
	Delivery  string `json:"delivery" jsonschema_description:"How the secret was handed over."`
	Value     value  `json:"value,omitempty" jsonschema:"format=password" jsonschema_description:"The secret itself, shown this once." jsonschema_extras:"x-sensitive=true"`
	Note      string `json:"note"`
}

// Inline hands a secret over in the result.
func Inline(secret raffclient.Secret) Secret {
	return Secret{
		Sensitive: true,
		Delivery:  "inline",
		Value:     value(secret.Reveal()),
		Note:      "Shown once. Give it to the user now to store it; do not repeat it in later messages, write it to files or log it.",
	}
}

// value is a revealed secret on its way into a result: JSON shows it, while
// fmt and slog do not.
type value string

const redacted = "[redacted]"

// Format writes "[redacted]" for every verb.
func (value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (value) LogValue() slog.Value { return slog.StringValue(redacted) }
