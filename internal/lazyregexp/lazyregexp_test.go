package lazyregexp_test

import (
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

func TestRegexp(t *testing.T) {
	r := lazyregexp.New(`^a(b+)$`)
	if !r.MatchString("abb") || r.MatchString("ac") {
		t.Error("it does not match as regexp does")
	}
	if got := r.Get().FindStringSubmatch("abb"); len(got) != 2 || got[1] != "bb" {
		t.Errorf("got %q", got)
	}
	if first, second := r.Get(), r.Get(); first != second {
		t.Error("it is compiled twice")
	}
}

// An expression that nobody uses costs nothing, not even a panic.
func TestInvalid(t *testing.T) {
	r := lazyregexp.New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("the first use does not panic")
		}
	}()
	r.MatchString("")
}
