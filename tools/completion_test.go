package tools_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

type completion struct {
	Values  []string
	Total   int
	HasMore bool
}

func complete(t *testing.T, b *bench, prompt, argument, value string) completion {
	t.Helper()
	var got struct{ Completion completion }
	raw := b.request(t, t.Context(), "completion/complete", map[string]any{
		"ref": map[string]any{"type": "ref/prompt", "name": prompt}, "argument": map[string]any{"name": argument, "value": value},
	})
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Completion.Values == nil {
		t.Errorf("got %s, want a list", raw)
	}
	searchForKeys(t, string(raw))
	return got.Completion
}

func TestCompletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var ci []string
		for _, k := range b.api.Keys() {
			if k.Name == "CI" {
				ci = append(ci, "CI ("+k.Prefix+")")
			}
		}
		slices.Sort(ci)
		id := sandbox.KeyID("grafana")
		for _, tt := range []struct {
			prompt, argument, typed string
			want                    []string
		}{
			{"rotate_key", "key", "graf", []string{"Grafana"}},
			{"rotate_key", "key", " BACKUP", []string{"Nightly backup"}},
			{"rotate_key", "key", "CI", ci},
			{"rotate_key", "key", strings.ToUpper(id), []string{id}},
			{"rotate_key", "key", "no such key", nil},
			{"offboard_person", "person", "chen", []string{"chen@meridian.example"}},
			{"onboard_service", "project", "p", []string{"Playground", "Production"}},
			{"onboard_service", "project", "", []string{"Default", "Playground", "Production", "Staging"}},
			{"onboard_service", "role", "admin", []string{"Admin", "Key Administrator", "Project Admin"}},
			{"onboard_service", "service", "x", nil},
			{"audit", "unused_days", "", nil},
			{"rotate_key", "other", "", nil},
			{"other", "key", "", nil},
		} {
			got := complete(t, b, tt.prompt, tt.argument, tt.typed)
			if !slices.Equal(got.Values, tt.want) {
				t.Errorf("%s %s %q: got %q, want %q", tt.prompt, tt.argument, tt.typed, got.Values, tt.want)
			}
		}
		if got := complete(t, b, "rotate_key", "key", ""); len(got.Values) != 15 || got.Total != 15 || got.HasMore {
			t.Errorf("got %+v", got)
		}
	})
}

// At most 100 values are returned, and names are data.
func TestCompletionIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys []string
		for i := range 150 {
			keys = append(keys, fmt.Sprintf(`{"id":"11111111-1111-4111-8111-%012d","name":"key %03d\n\u001b[31m\u202e","key_prefix":"raff_%08d"}`, i, i, i))
		}
		b := newBench(t)
		b.api.Fail(faulty.Fault{Body: `{"success":true,"total":150,"data":[` + strings.Join(keys, ",") + `]}`})
		got := complete(t, b, "rotate_key", "key", "KEY")
		if len(got.Values) != 100 || got.Total != 150 || !got.HasMore || !strings.HasPrefix(got.Values[0], "key 000") || strings.ContainsAny(got.Values[0], "\n\x1b\u202e") {
			t.Errorf("got %+v", got)
		}
	})
}

// Whatever the API answers, the user can type on, and does not wait for long.
func TestCompletionFailsSoftly(t *testing.T) {
	for _, f := range []faulty.Fault{
		{Status: 401}, {Status: 403}, {Status: 500}, {Status: 429}, {Cut: true}, {Refuse: true}, {Body: "<html>"}, {Delay: time.Hour}, {IgnoreOffset: true, Set: map[string]any{"total": 1000}},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			f.Times = -1
			b.api.Fail(f)
			began := time.Now()
			for _, prompt := range [][2]string{{"rotate_key", "key"}, {"offboard_person", "person"}, {"onboard_service", "project"}, {"onboard_service", "role"}} {
				if got := complete(t, b, prompt[0], prompt[1], ""); f.Set == nil && len(got.Values) > 0 {
					t.Errorf("%+v: got %+v", f, got)
				}
			}
			if d := time.Since(began); d > 12*time.Second {
				t.Errorf("%+v: it took %v", f, d)
			}
		})
	}
}
