package raffclient

import (
	"context"
	"iter"
	"net/url"
)

// Permission is a permission that roles can contain.
type Permission struct {
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	Scope       string `json:"scope,omitempty"` // "account" or "project"
	Category    string `json:"category,omitempty"`
}

// Permissions yields the permissions that the API knows, those of a scope ("account"
// or "project") or, if scope is empty, of both. An error ends the sequence.
//
// GET /api/v1/permissions
func (c *Client) Permissions(ctx context.Context, scope string) iter.Seq2[Permission, error] {
	return func(yield func(Permission, error) bool) {
		q := url.Values{} // the API has no pages of permissions
		addFilters(q, []string{"scope", scope})
		list, _, err := callList[Permission](ctx, c, request{method: "GET", path: []string{"permissions"}, query: q})
		if err != nil {
			yield(Permission{}, err)
			return
		}
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}
}
