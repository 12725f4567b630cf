package tools_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/contract"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
	"github.com/rafftechnologies/raff-mcp/tools"
)

// description is what the API is documented to be.
const description = "../raffclient/testdata/raff-openapi.yaml"

// Every tool sends what is described, and nothing else; also when the API requires a
// project, and when the responses are lost and the client looks up what happened.
func TestContract(t *testing.T) {
	for _, tool := range tools.All() {
		i := slices.IndexFunc(examples(), func(x example) bool { return x.tool == tool.Name })
		if i < 0 {
			t.Errorf("%s has no example: add a call to examples in all_test.go", tool.Name)
			continue
		}
		x := examples()[i]
		for name, fault := range map[string]*faulty.Fault{
			"as documented":  nil,
			"responses lost": {Cut: true, After: true, Times: -1},
		} {
			t.Run(tool.Name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t)
					log := contract.Watch(t, b.api, description)
					arguments := x.prepare(t, b)
					if fault != nil {
						b.api.Fail(*fault)
					}
					fails := fault != nil && x.tool != "whoami"
					if r := b.call(t, t.Context(), x.tool, arguments); r.IsError != fails {
						t.Errorf("got %s", r.raw)
					}
					if len(log.Operations()) == 0 {
						t.Error("nothing was sent")
					}
					if fault == nil && !slices.Contains(log.Operations(), x.operation) {
						t.Errorf("sent %v, without %s", log.Operations(), x.operation)
					}
				})
			})
		}
	}
}
