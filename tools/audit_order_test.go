package tools_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// Within a severity: power, use, exposure, nearness of expiry, then the name. Each key differs
// from the one before in one of them.
func TestAuditOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		names := []string{
			"owner", "administrator", "project administrator", "changes", "role unknown", "gone and forever", "gone", "suspended",
			"use unknown", "unused, sooner", "unused, later", "unused, later 2",
		}
		gone := map[string]any{"created_by": nobody}
		var keys []map[string]any
		for i, changes := range [][]map[string]any{
			{gone, withRole("owner")},
			{gone, withRole("admin")},
			{gone, withProjectRole("operator", "staging")},
			{gone, withRole("billing")},
			{gone, {"role_id": nobody, "role_slug": "x"}, {"expires_at": date(201)}},
			{gone, withRole("member"), {"expires_at": nil}},
			{gone},
			{{"created_by": sandbox.UserIDOf("dana@meridian.example")}, {"expires_at": date(100)}},
			{gone, {"last_used_at": "?"}, {"expires_at": nil}},
			{gone, {"last_used_at": date(-100), "expires_at": date(100)}},
			{gone, {"last_used_at": date(-100)}},
			{gone, {"last_used_at": date(-100)}},
		} {
			all := map[string]any{"name": names[i]}
			for _, change := range changes {
				maps.Copy(all, change)
			}
			keys = append(keys, fakeKey(99-i, all))
		}
		slices.Reverse(keys)
		b.serveKeys(t, keys...)
		var got []string
		for _, f := range b.audit(t, `{}`).Findings {
			if strings.HasPrefix(f.Kind, "creator_") {
				got = append(got, f.Name)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("got %q, want %q", got, names)
		}
	})
}

// The order does not depend on that of Raff's list, which is not documented: otherwise pages
// would not fit together.
func TestAuditOrderIsStable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys []map[string]any
		for i := range 20 {
			keys = append(keys, fakeKey(i, map[string]any{"name": "same", "expires_at": nil}))
		}
		order := func() (all []string) {
			b := newBench(t)
			b.serveKeys(t, keys...)
			for _, f := range b.audit(t, `{}`).Findings {
				all = append(all, f.ID+" "+f.Kind)
			}
			return all
		}
		first := order()
		slices.Reverse(keys)
		if second := order(); len(first) != 40 || !slices.Equal(first, second) {
			t.Errorf("got %v, then %v", first, second)
		}
	})
}
