package tools

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// keyMembers remembers which members are which API keys: Raff shows that to nobody, except
// to the call that added the member. It is safe for concurrent use.
type keyMembers struct {
	mu    sync.Mutex
	known []keyMember // the latest last
}

// keyMember is a member that is an API key.
type keyMember struct {
	memberID  string
	projectID string // "" is the account
	key       raffclient.APIKey
}

// maxKeyMembers is how many members are remembered. The oldest are forgotten first.
const maxKeyMembers = 1000

// rememberKeyMember records that a member of a project, or of the account if projectID is
// empty, is that API key. Call it after adding the member.
func (d *deps) rememberKeyMember(projectID, memberID string, key raffclient.APIKey) {
	if !raffclient.IsUUID(memberID) || key.ID == "" {
		return
	}
	d.keyMembers.add(keyMember{memberID, projectID, raffclient.APIKey{ID: key.ID, Name: key.Name, KeyPrefix: key.KeyPrefix}})
}

func (k *keyMembers) add(m keyMember) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = append(slices.DeleteFunc(k.known, func(old keyMember) bool { return old.memberID == m.memberID }), m)
	if len(k.known) > maxKeyMembers {
		k.known = k.known[len(k.known)-maxKeyMembers:]
	}
}

// find returns the latest member that matches.
func (k *keyMembers) find(matches func(keyMember) bool) (keyMember, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := len(k.known) - 1; i >= 0; i-- {
		if matches(k.known[i]) {
			return k.known[i], true
		}
	}
	return keyMember{}, false
}

// keyOf returns the API key that the member with that ID is, as it was when it became the
// member, if this process knows it.
func (d *deps) keyOf(memberID string) (raffclient.APIKey, bool) {
	m, ok := d.keyMembers.find(func(m keyMember) bool { return strings.EqualFold(m.memberID, memberID) })
	return m.key, ok
}

// memberIDOf returns the ID of the member that a key is in a project, or in the account, ""
// if this process does not know it.
func (d *deps) memberIDOf(keyID, projectID string) string {
	m, _ := d.keyMembers.find(func(m keyMember) bool {
		return strings.EqualFold(m.key.ID, keyID) && strings.EqualFold(m.projectID, projectID)
	})
	return m.memberID
}

// currentKeyOf is keyOf with the key as it is now, as far as it can be read.
func (d *deps) currentKeyOf(ctx context.Context, memberID string) (key raffclient.APIKey, known bool) {
	remembered, ok := d.keyOf(memberID)
	if !ok {
		return key, false
	}
	key, err := d.lookUpKey(ctx, remembered.ID)
	if err != nil {
		return remembered, true
	}
	key.Name = cmp.Or(key.Name, remembered.Name)
	return key, true
}

// lookUpKey reads a key for a result that is complete without it. The key that it returns
// always has its ID.
func (d *deps) lookUpKey(ctx context.Context, id string) (raffclient.APIKey, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	key, err := d.client.GetAPIKey(ctx, id)
	key.ID = id
	return key, err
}
