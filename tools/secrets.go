package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/stdio"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/tools/delivery"
)

// handOverNew hands over the secret of a key that was just made for this call,
// and sees to it that no key is left whose secret nobody has: neither if the
// handing over fails (the error is then an *undeliveredError) nor if the call's
// answer does not reach the client.
func (e *env) handOverNew(ctx context.Context, key raffclient.APIKeyWithSecret) (secret delivery.Secret, err error) {
	watched := stdio.OnUndelivered(ctx, func(ctx context.Context, _ stdio.Reason) {
		switch {
		case err != nil && !errors.Is(err, errUnwanted): // the key was dealt with
		case secret.Delivery == "" || secret.Shown():
			e.revokeUnread(ctx, key)
		default:
			// Its secret may be in use already, and what it replaced there gone.
			e.log.Warn("a key was made for a call that was cancelled or whose client has gone, but its secret was handed over: revoke the key if it is not wanted",
				"id", key.ID, "name", key.Name, "prefix", key.Prefix(), "way", secret.Delivery, "location", secret.Location)
		}
	})
	if watched && ctx.Err() != nil {
		return delivery.Secret{}, errUnwanted
	}
	secret, err = e.secrets.Deliver(ctx, told(key), key.Secret)
	if err != nil {
		err = e.revokeLost(ctx, key, err)
	}
	return secret, err
}

// handOverRenewed hands over the secret of a key that was just regenerated for this
// call. That cannot be undone: where the secret is lost, or does not reach the
// client, the log says that nobody has it.
func (e *env) handOverRenewed(ctx context.Context, key raffclient.APIKeyWithSecret) (secret delivery.Secret, err error) {
	k := told(key)
	stdio.OnUndelivered(ctx, func(context.Context, stdio.Reason) {
		if err == nil && !secret.Shown() {
			e.log.Warn("a key was regenerated for a call that was cancelled or whose client has gone; its secret was handed over", "key", k, "way", secret.Delivery, "location", secret.Location)
			return
		}
		e.log.Error("a key was regenerated, but its old secret is void and nobody has the new one: regenerate it again", "key", k, "error", err)
	})
	secret, err = e.secrets.Deliver(ctx, k, key.Secret)
	if err != nil {
		err = &undeliveredError{key: k, lost: err, renewed: true}
	}
	return secret, err
}

// told is what may be told about a key.
func told(key raffclient.APIKeyWithSecret) delivery.Key {
	return delivery.Key{ID: key.ID, Name: key.Name, Prefix: key.Prefix()}
}

// errUnwanted ends a call that nobody waits for any more, so nobody reads it.
var errUnwanted = errors.New("the call was cancelled")

// undeliveredError reports a new key whose secret is lost on our side.
type undeliveredError struct {
	key  delivery.Key
	lost error // why the secret is
	left error // why the key could not be revoked; nil if it was

	renewed bool // the key is an old one, and was not to be revoked
}

func (e *undeliveredError) Error() string { return e.lost.Error() }
func (e *undeliveredError) Unwrap() error { return e.lost }

// revokeLost revokes a key whose secret is lost.
func (e *env) revokeLost(ctx context.Context, key raffclient.APIKeyWithSecret, lost error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	left := e.client.RevokeCreatedAPIKey(ctx, key)
	k := told(key)
	if left != nil {
		e.log.Error("a new key's secret is lost, and the key could not be revoked; nobody has its secret: revoke it", "key", k, "lost", lost, "error", left)
	} else {
		e.log.Error("a new key's secret is lost; the key was revoked", "key", k, "lost", lost)
	}
	return &undeliveredError{key: k, lost: lost, left: left}
}

func explainNotReady(s spec, err *delivery.NotReadyError) string {
	return fmt.Sprintf("%s A secret could not be handed over in the way that the administrator chose (%s). "+
		"Ask the user to fix that, then call %s again; tool arguments cannot change where secrets go.", s.effect.nothing(), oneLine(err.Error()), s.name)
}

func explainUndelivered(s spec, e *undeliveredError) string {
	name, id, prefix, lost := quoted(e.key.Name), idText(e.key.ID), prefixText(e.key.Prefix), oneLine(e.lost.Error())
	if e.renewed {
		return fmt.Sprintf("The key %s (ID %s) was regenerated, but its new secret is lost: %s. Its old secret no longer works. "+
			"Ask the user to fix what failed first, then call %s again, which gives a working one.", name, id, lost, s.name)
	}
	if e.left == nil {
		return fmt.Sprintf("No key is left: %s (prefix %s) was made, but %s, so it was revoked again. "+
			"Ask the user to fix what failed first, then call %s again.", name, prefix, lost, s.name)
	}
	return fmt.Sprintf("A key was made, but its secret is lost: %s. The key is %s, ID %s, prefix %s, and it could not be revoked (%s). "+
		"Ask the user to revoke it in the Raff dashboard and to fix what failed first; then it is safe to call %s again.",
		lost, name, id, prefix, reason(e.left), s.name)
}
