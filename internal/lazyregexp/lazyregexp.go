// Package lazyregexp compiles regular expressions when they are first used. A server is
// started with every session of a client, and most sessions use few of the program's
// expressions, which together take about a millisecond to compile.
package lazyregexp

import (
	"regexp"
	"sync"
)

// A Regexp is a regular expression that its first use compiles. It is safe for concurrent
// use.
type Regexp struct{ compiled func() *regexp.Regexp }

// New returns the regular expression. Its first use panics if pattern is invalid, as
// regexp.MustCompile does.
func New(pattern string) *Regexp {
	return &Regexp{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
}

// Get returns the compiled expression.
func (r *Regexp) Get() *regexp.Regexp { return r.compiled() }

// MatchString is that of regexp.Regexp.
func (r *Regexp) MatchString(s string) bool { return r.Get().MatchString(s) }
