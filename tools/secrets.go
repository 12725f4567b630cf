package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/activity"
	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// deliverNew delivers the secret of a key that this call has just created. It revokes
// the key if nobody gets the secret: if delivery fails (the error is then an
// *undeliveredError), or if the call's response does not reach the client.
func (d *deps) deliverNew(ctx context.Context, key raffclient.APIKeyWithSecret) (secret delivery.Secret, err error) {
	k, record := keyInfo(key), recordFrom(ctx)
	// The function runs after deliverNew has returned, and sees its results.
	watched := stdio.OnUndelivered(ctx, func(ctx context.Context, _ stdio.Reason) {
		switch {
		case err != nil && !errors.Is(err, errAbandoned):
			// revokeAfterFailedDelivery has already dealt with the key.
		case secret.Delivery == "": // abandoned before delivery
			d.revokeAbandoned(ctx, record, key)
		case secret.Shown():
			d.revokeAbandoned(ctx, record, key)
		case secret.Recovered():
			d.log.Error("a key was created for a call that was cancelled or whose client has gone; its secret was not delivered but saved in a file, and nobody was told: revoke the key, or move the secret to where it belongs",
				"key", k, "file", secret.Location)
		default:
			// The secret may be in use already, and may have replaced another one.
			d.log.Warn("a key was created for a call that was cancelled or whose client has gone, but its secret was delivered: revoke the key if it is not wanted",
				"key", k, "delivery", secret.Delivery, "location", secret.Location)
		}
	})
	if watched && ctx.Err() != nil {
		return delivery.Secret{}, errAbandoned
	}
	secret, err = d.method(ctx).Deliver(ctx, k, key.Secret)
	if err != nil {
		err = d.revokeAfterFailedDelivery(ctx, key, err)
	}
	return secret, err
}

// deliverRegenerated delivers the secret of a key that this call has just regenerated.
// A regeneration cannot be undone: if nobody gets the secret, the log says so.
func (d *deps) deliverRegenerated(ctx context.Context, key raffclient.APIKeyWithSecret) (secret delivery.Secret, err error) {
	k, record := keyInfo(key), recordFrom(ctx)
	// The function runs after deliverRegenerated has returned, and sees its results.
	stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) {
		switch {
		case err != nil || secret.Delivery == "" || secret.Shown(): // "" after a panic
			d.log.Error("a key was regenerated, but its old secret no longer works and nobody has the new one: regenerate it again", "key", k, "error", err)
			if err == nil { // or the record of the call says so
				d.recordLater(record, k, activity.Unknown, "The call was cancelled or its client has gone. The old secret no longer works, and nobody has the new one: regenerate the key again.")
			}
		case secret.Recovered():
			d.log.Error("a key was regenerated for a call that was cancelled or whose client has gone; its secret was not delivered but saved in a file, and nobody was told: regenerate the key again, or move the secret to where it belongs",
				"key", k, "file", secret.Location)
		default:
			d.log.Warn("a key was regenerated for a call that was cancelled or whose client has gone; its secret was delivered", "key", k, "delivery", secret.Delivery, "location", secret.Location)
		}
	})
	secret, err = d.method(ctx).Deliver(ctx, k, key.Secret)
	if err != nil {
		err = &undeliveredError{key: k, cause: err, regenerated: true}
	}
	return secret, err
}

// keyInfo returns the public part of a key.
func keyInfo(key raffclient.APIKeyWithSecret) delivery.Key {
	return delivery.Key{ID: key.ID, Name: key.Name, Prefix: key.Prefix()}
}

// errAbandoned is the error of a call whose result nobody will read.
var errAbandoned = errors.New("the call was cancelled")

// undeliveredError reports a new secret that Raff sent and that could not be delivered.
type undeliveredError struct {
	key       delivery.Key
	cause     error // why the secret could not be delivered
	revokeErr error // why the key could not be revoked; nil if it was revoked

	regenerated bool // the key existed before, so it was not revoked
}

func (u *undeliveredError) Error() string { return u.cause.Error() }
func (u *undeliveredError) Unwrap() error { return u.cause }

// revokeAfterFailedDelivery revokes a new key whose secret could neither be delivered nor
// saved. It returns the error of the call, an *undeliveredError.
func (d *deps) revokeAfterFailedDelivery(ctx context.Context, key raffclient.APIKeyWithSecret, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	revokeErr := d.client.RevokeCreatedAPIKey(ctx, key)
	k := keyInfo(key)
	if revokeErr != nil {
		d.log.Error("a new key's secret is lost, and the key could not be revoked; nobody has its secret: revoke it", "key", k, "cause", cause, "error", revokeErr)
	} else {
		d.log.Error("a new key's secret is lost; the key was revoked", "key", k, "cause", cause)
	}
	return &undeliveredError{key: k, cause: cause, revokeErr: revokeErr}
}

func (d *deps) explainNotReady(s spec, err *delivery.NotReadyError) string {
	return fmt.Sprintf("%s New secrets cannot be delivered as the administrator configured (%s). "+
		"Fix that, then call %s again%s.", s.effect.noChange(), oneLine(err.Error()), s.name, d.otherDestination(err.Destination))
}

func explainUndelivered(s spec, u *undeliveredError) string {
	name, id, prefix, cause := quoted(u.key.Name), idText(u.key.ID), prefixText(u.key.Prefix), oneLine(u.cause.Error())
	if u.regenerated {
		return fmt.Sprintf("The key %s (ID %s) was regenerated, but its new secret is lost: %s. Its old secret no longer works. "+
			"Fix what failed, then call %s again, which returns a new one.", name, id, cause, s.name)
	}
	if u.revokeErr == nil {
		return fmt.Sprintf("No key is left: %s (prefix %s) was created, but %s, so it was revoked. "+
			"Fix what failed, then call %s again.", name, prefix, cause, s.name)
	}
	return fmt.Sprintf("A key was created, but its secret is lost: %s. The key is %s, ID %s, prefix %s, and it could not be revoked (%s). "+
		"Revoke it in the Raff dashboard and fix what failed; then it is safe to call %s again.",
		cause, name, id, prefix, reason(u.revokeErr), s.name)
}
