package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/handover"
)

func apiKeyTools() []Tool {
	return []Tool{
		define(spec{
			name:  "create_api_key",
			title: "Create API key",
			description: "Create an API key for the Raff account, for a program to call the Raff API with. " +
				"Returns the key's details and its secret, which Raff shows this once and never again; or, if the administrator chose so, where the secret was put instead. " +
				"A key belongs to the account, not to a person, and lasts until it expires or is revoked. " +
				"Every call makes another key, even with the same name.",
			effect:     creates,
			permission: "account.apikeys.create",
			holders:    "the Owner and Admin roles",
			sensitive:  "/secret/value",
		}, createAPIKey),
	}
}

// createAPIKeyInput mirrors the API's request body: the conversion in
// createAPIKey keeps the fields equal.
type createAPIKeyInput struct {
	Name          string     `json:"name" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"What the key is for, such as the program that will use it. Need not be unique."`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high,default=standard" jsonschema_description:"standard: 30 requests a second. high: 100, only after Raff's support has approved it."`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema_description:"When the key stops working, in the future, with time zone: 2027-01-31T00:00:00Z. Without it the key never expires."`
	RoleID        string     `json:"role_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"ID of the account-scope role whose permissions the key gets. Without it the key gets no account role."`
}

// Check adds what JSON Schema cannot say.
func (in createAPIKeyInput) Check() []schema.Fault {
	if in.ExpiresAt != nil && !in.ExpiresAt.After(time.Now()) {
		return []schema.Fault{{Property: "expires_at", Problem: "'expires_at' must be in the future; now it is " + time.Now().UTC().Format(time.RFC3339)}}
	}
	return nil
}

type createAPIKeyOutput struct {
	APIKey  raffclient.APIKey `json:"api_key"`
	Secret  handover.Secret   `json:"secret"`
	sandbox bool
	prefix  string
}

func createAPIKey(ctx context.Context, e *env, in createAPIKeyInput) (createAPIKeyOutput, error) {
	if err := e.secrets.Ready(ctx); err != nil {
		return createAPIKeyOutput{}, err
	}
	key, err := e.client.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest(in))
	if err != nil {
		return createAPIKeyOutput{}, err
	}
	if key.Name == "" {
		key.Name = in.Name
	}
	secret, err := e.handOverNew(ctx, key)
	if err != nil {
		return createAPIKeyOutput{}, err
	}
	out := createAPIKeyOutput{APIKey: key.APIKey, Secret: secret, sandbox: e.sandbox, prefix: key.Prefix()}
	if e.sandbox {
		out.Secret.Note = "SANDBOX: this key opens nothing and is forgotten when the server ends. " + out.Secret.Note
	}
	return out, nil
}

func (o createAPIKeyOutput) handedOver() handover.Secret { return o.Secret }

func (o createAPIKeyOutput) summary() string {
	k := o.APIKey
	text := fmt.Sprintf("Created API key %q (prefix %s, ID %s). ", k.Name, orNone(o.prefix), orNone(k.ID))
	if k.ExpiresAt == "" {
		text += "It never expires. "
	} else {
		text += fmt.Sprintf("It expires at %s. ", k.ExpiresAt)
	}
	if k.RoleName != "" {
		text += fmt.Sprintf("Its account role is %s. ", k.RoleName)
	}
	if k.ID == "" {
		text += "Raff's answer lacked the key's ID; find it by its prefix in the dashboard. "
	}
	text += o.Secret.Words()
	if o.sandbox {
		text = "SANDBOX: this key opens nothing. " + text
	}
	return text
}

func orNone(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// revokeUnread revokes a key that nobody will ever know the secret of, since
// the call that made it was cancelled or its client has gone. Where that is
// refused, the log names the key.
func (e *env) revokeUnread(ctx context.Context, key raffclient.APIKeyWithSecret) {
	log := e.log.With("id", key.ID, "name", key.Name, "prefix", key.Prefix())
	err := errors.New("the API's answer lacked the key's ID")
	if key.ID != "" {
		err = e.client.RevokeAPIKey(ctx, key.ID)
	}
	if err != nil {
		log.Error("a key was made for a call that was cancelled or whose client has gone, and it could not be revoked; nobody has its secret: revoke it", "error", err)
		return
	}
	log.Warn("a key was made for a call that was cancelled or whose client has gone; it was revoked")
}
