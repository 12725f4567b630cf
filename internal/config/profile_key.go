package config

import (
	"cmp"
	"context"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// profileAtStart is what Keys remembers of the profile that was read at start. The key in it
// is sent to the API that was configured then.
type profileAtStart struct {
	wanted    string // see profile
	name      string // see profile
	api       string // the API's address in it
	apiUnused bool   // the API's address comes from a source with precedence
	problem   *profileProblem
}

func (p profile) atStart() profileAtStart {
	return profileAtStart{wanted: p.wanted, name: p.name, api: p.api(), problem: p.problem}
}

// api returns the address of the API whose keys the profile contains.
func (p profile) api() string {
	return cmp.Or(strings.TrimRight(strings.TrimSpace(p.values["api-url"]), "/"), raffclient.DefaultBaseURL)
}

// readProfile returns the key in the profile's file as it is now. If there was a profile at
// start, it is the same one, even if another has become the current one since.
func (k *Keys) readProfile(context.Context) (Key, error) {
	p, err := readProfile(k.env.homeDir(), cmp.Or(k.profile.wanted, k.profile.name))
	if err != nil {
		return Key{}, &keyError{"The server's key cannot be read from the profile: " + oneSentence(err), "Restart the server after a change that is meant to select another profile."}
	}
	p.wanted = k.profile.wanted // for messages
	value := strings.TrimSpace(p.values["api-key"])
	switch {
	case value == "":
		return Key{}, nil
	case p.api() != k.profile.api && !k.profile.apiUnused:
		return Key{}, &keyError{printable.String(p.path) + " now contains the address of another API than when the server started, and its key is not sent to the old one.", "Restart the server."}
	}
	source := p.source("api-key")
	key, err := parseKey(value, source, "Put the key itself there, or set RAFF_API_KEY.")
	return Key{Secret: key, Source: source}, err
}
