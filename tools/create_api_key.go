package tools

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/schema"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// createAPIKeyInput has the fields of the API's request body. The conversion in
// createAPIKey compiles only if they are the same.
type createAPIKeyInput struct {
	Name          string     `json:"name" jsonschema:"minLength=1,maxLength=128" jsonschema_description:"What the key is for, 1 to 128 characters. Need not be unique."`
	RateLimitTier string     `json:"rate_limit_tier,omitempty" jsonschema:"enum=standard,enum=high,default=standard" jsonschema_description:"standard: 30 requests per second. high: 100, needs approval by Raff's support."`
	ExpiresAt     *time.Time `json:"expires_at,omitempty" jsonschema_description:"In the future, with time zone: 2027-01-31T00:00:00Z. Default: never."`
	RoleID        string     `json:"role_id,omitempty" jsonschema:"format=uuid" jsonschema_description:"Account-scope role whose permissions the key gets, from list_roles. Default: none. Project access is given afterwards, per project, with add_project_member."`
}

// Check implements [schema.Checker].
func (in createAPIKeyInput) Check() []schema.Fault { return inFuture(in.ExpiresAt) }

func inFuture(expiresAt *time.Time) []schema.Fault {
	if expiresAt == nil || expiresAt.After(time.Now()) {
		return nil
	}
	return []schema.Fault{{Property: "expires_at", Problem: "'expires_at' must be in the future; now it is " + time.Now().UTC().Format(time.RFC3339)}}
}

// keyOutput is a key with its secret, or with the location to which the secret was
// delivered.
type keyOutput struct {
	summarized
	Secret delivery.Secret `json:"secret"` // before anything that may be long
	confirmed
	APIKey  raffclient.APIKey `json:"api_key"`
	next    string            // a sentence about what the key may need
	verb    string
	prefix  string
	expires bool // an expiry was requested, or the key had one before
	sandbox bool
}

// output returns the output of a key whose secret was delivered.
func (d *deps) output(verb string, key raffclient.APIKeyWithSecret, secret delivery.Secret) keyOutput {
	if d.sandbox {
		secret.Note = "SANDBOX: this key grants no access and is discarded when the server ends. " + secret.Note
	}
	return keyOutput{APIKey: key.APIKey, Secret: secret, verb: verb, prefix: key.Prefix(), sandbox: d.sandbox}
}

func (o keyOutput) delivered() delivery.Secret { return o.Secret }

func (o keyOutput) summary() string {
	k := o.APIKey
	text := fmt.Sprintf("%s %s (prefix %s, ID %s).", o.verb, labeled("API key", k.Name), prefixText(o.prefix), idText(k.ID))
	if k.ExpiresAt != "" || !o.expires {
		text += expiryText(k.ExpiresAt)
	}
	if k.RoleName != "" {
		text += fmt.Sprintf(" Its account role is %s.", quoted(k.RoleName))
	}
	if k.ID == "" {
		text += " Raff's response lacks the key's ID; list_api_keys shows it by its prefix."
	}
	text += o.next + o.doubts("get_api_key") + " " + o.Secret.Describe()
	if o.sandbox {
		text = "SANDBOX: this key grants no access. " + text
	}
	return text
}

func createAPIKey(ctx context.Context, d *deps, in createAPIKeyInput) (keyOutput, error) {
	o, err := d.createAndDeliver(ctx, "create_api_key", raffclient.CreateAPIKeyRequest(in))
	if err != nil {
		return o, d.aboutRole(ctx, in.RoleID, err)
	}
	if id := o.APIKey.ID; id != "" {
		o.next = fmt.Sprintf(" If it needs access to a project: %s.", callText("add_project_member", "project_id", "…", "api_key_id", id, "role_id", "…"))
	}
	return o, nil
}

// aboutRole returns a better error if a key was refused because its role is one of project
// scope.
func (d *deps) aboutRole(ctx context.Context, roleID string, err error) error {
	if roleID == "" || !errors.Is(err, raffclient.ErrInvalid) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	role, unknown := d.client.GetRole(ctx, roleID)
	if unknown != nil || role.Scope != "project" {
		return err
	}
	return refusal(fmt.Sprintf("Nothing was created: the %s is of project scope, and a key is created with a role of account scope or with none. Call create_api_key without role_id, then %s for each project.",
		labeled("role", role.Name), callText("add_project_member", "project_id", "…", "api_key_id", "…", "role_id", roleID)))
}

// createAndDeliver creates a key and delivers its secret. If nobody gets the secret, it
// revokes the key.
func (d *deps) createAndDeliver(ctx context.Context, tool string, r raffclient.CreateAPIKeyRequest) (keyOutput, error) {
	if err := d.method(ctx).Ready(ctx); err != nil {
		return keyOutput{}, err
	}
	d.announce(ctx, tool, "creating API key", "name", r.Name)
	finished := d.logUnfinished(ctx, "the server ended before Raff answered a request to create an API key: look for a key with this name, and revoke it if it exists, since nobody has its secret", delivery.Key{Name: r.Name})
	key, err := d.client.CreateAPIKey(ctx, r)
	finished()
	if lost, ok := errors.AsType[*raffclient.OutcomeError](err); ok {
		d.revokeIdentified(ctx, lost)
	}
	if err != nil {
		return keyOutput{}, err
	}
	shownName := key.Name
	key.Name = cmp.Or(key.Name, r.Name)
	secret, err := d.deliverNew(ctx, key)
	if err != nil {
		return keyOutput{}, err
	}
	o := d.output("Created", key, secret)
	o.expires = r.ExpiresAt != nil
	o.text("name", r.Name, shownName)
	o.token("rate_limit_tier", r.RateLimitTier, key.RateLimitTier)
	o.time("expires_at", r.ExpiresAt, key.ExpiresAt)
	o.token("role_id", r.RoleID, key.RoleID)
	return o, nil
}

// revokeIdentified registers with the call that it revokes a key that Raff's response
// identified without containing its secret, if the call is cancelled or its client has
// gone. A key that was only found in
// the list may belong to somebody else; raffclient logs its name.
func (d *deps) revokeIdentified(callCtx context.Context, lost *raffclient.OutcomeError) {
	record := recordFrom(callCtx)
	stdio.OnUndelivered(callCtx, func(ctx context.Context, why stdio.Reason) {
		if why == stdio.ErrorResponse {
			return
		}
		for _, m := range lost.Found {
			if m.Confirmed && m.Recent {
				d.revokeAbandoned(ctx, record, raffclient.APIKeyWithSecret{APIKey: raffclient.APIKey{ID: m.ID, Name: m.Name, KeyPrefix: m.Prefix, CreatedAt: m.CreatedAt}})
			}
		}
	})
}

// revokeAbandoned revokes a key whose secret nobody will read, because the call that
// created it was cancelled or its client has gone. There is nobody left to receive an
// error: if the key cannot be revoked, the log names it.
func (d *deps) revokeAbandoned(ctx context.Context, record *callRecord, key raffclient.APIKeyWithSecret) {
	log := d.log.With("key", keyInfo(key))
	err := d.client.RevokeCreatedAPIKey(ctx, key)
	d.recordRevoked(record, keyInfo(key), err)
	if err != nil {
		log.Error("a key was created for a call that was cancelled or whose client has gone, and it could not be revoked; nobody has its secret: revoke it", "error", err)
		return
	}
	log.Warn("a key was created for a call that was cancelled or whose client has gone; it was revoked")
}
