package raffclient_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// The life of a key: it is created, listed, given a new secret, and revoked.
func Example() {
	ctx := context.Background()
	api := sandbox.NewEmpty()
	client, err := raffclient.New(raffclient.Config{
		APIKey: api.OwnerKey(),
		// Without these two, the client calls the real API.
		BaseURL:   "http://localhost",
		Transport: api.Transport(),
	})
	if err != nil {
		log.Fatal(err)
	}

	created, err := client.CreateAPIKey(ctx, raffclient.CreateAPIKeyRequest{Name: "ci"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("created", created.Name, created.Secret) // created.Secret.Reveal() returns the secret

	for key, err := range client.APIKeys(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("listed", key.Name)
	}

	regenerated, err := client.RegenerateAPIKey(ctx, created.APIKey)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new prefix:", regenerated.Prefix() != created.Prefix())

	if err := client.RevokeAPIKey(ctx, regenerated.APIKey); err != nil {
		log.Fatal(err)
	}
	fmt.Println("revoked", regenerated.Name)

	// Output:
	// created ci [redacted]
	// listed Owner
	// listed ci
	// new prefix: true
	// revoked ci
}

func ExampleClient_CreateAPIKey() {
	api := sandbox.New()
	c, err := raffclient.New(raffclient.Config{
		APIKey:    api.OwnerKey(),
		BaseURL:   "http://localhost",
		Transport: api.Transport(), // leave these two out to reach the real API
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := c.CreateAPIKey(context.Background(), raffclient.CreateAPIKeyRequest{
		Name:   "Production CI",
		RoleID: sandbox.RoleID("member"),
	})
	fmt.Println(key.Name, key.RoleName, err)
	fmt.Println(key.Secret) // key.Secret.Reveal() is the secret
	// Output:
	// Production CI Member <nil>
	// [redacted]
}

// Names of keys, from the real API.
func ExampleNew() {
	key, err := raffclient.ParseKey(os.Getenv("RAFF_API_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	client, err := raffclient.New(raffclient.Config{APIKey: key})
	if err != nil {
		log.Fatal(err)
	}
	for key, err := range client.APIKeys(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(key.Name)
	}
}

// A creation whose response was lost is never repeated.
func ExampleOutcomeError() {
	api := sandbox.New()
	client, err := raffclient.New(raffclient.Config{
		APIKey:    api.OwnerKey(),
		BaseURL:   "http://localhost",
		Transport: api.Transport(),
	})
	if err != nil {
		log.Fatal(err)
	}

	created, err := client.CreateAPIKey(context.Background(), raffclient.CreateAPIKeyRequest{Name: "ci"})
	switch {
	case errors.Is(err, raffclient.ErrOutcomeUnknown):
		log.Fatal("look for the key before you create another: ", err)
	case errors.Is(err, raffclient.ErrForbidden):
		log.Fatal("use a key with a role that may create keys: ", err)
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(created.Name, created.Secret)
	// Output: ci [redacted]
}
