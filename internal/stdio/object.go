package stdio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// An object is a JSON object with the members that have one meaning only.
//
// encoding/json, with which mcp-go decodes messages, takes "NAME" for "name" and,
// of several, the last. Whoever else reads the message, such as a gateway that
// approves calls by the name of the tool, may take the first, or only the exact
// spelling. A message that can be read in two ways is therefore refused.
type object struct {
	names   []string // as decoded, in their order
	members map[string]json.RawMessage
	seen    map[string]string // all names: the first spelling, by the folded form
	// ambiguous is what is wrong with the object or with what it contains; empty
	// if nothing is.
	ambiguous string
}

// readObject reads raw, which must be a valid JSON object, in one pass. The error
// calls it by its name. Members refer to raw.
func readObject(raw []byte, s *shape, name string) object {
	r := &objectReader{raw: raw, tokens: json.NewDecoder(bytes.NewReader(raw)), path: []string{name}}
	r.tokens.UseNumber()
	o := object{members: map[string]json.RawMessage{}, seen: map[string]string{}}
	_, _ = r.tokens.Token()
	r.object(s, &o)
	o.ambiguous = r.ambiguous
	return o
}

// has reports whether the object has a member of that name in any spelling.
func (o object) has(name string) bool {
	_, ok := o.seen[fold(name)]
	return ok
}

// encode writes those members that keep wants. The object must not be ambiguous.
func (o object) encode(keep func(name string) bool) json.RawMessage {
	b := []byte{'{'}
	for _, name := range o.names {
		if !keep(name) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		quoted, _ := json.Marshal(name)
		b = append(append(append(b, quoted...), ':'), o.members[name]...)
	}
	return append(b, '}')
}

// An objectReader reads a value and everything in it.
type objectReader struct {
	raw       []byte
	tokens    *json.Decoder
	path      []string // to the object being read, as far as its members are known
	ambiguous string   // the first thing found
	err       error
}

// object reads the rest of an object. It keeps the members in o, unless that is
// nil.
func (r *objectReader) object(s *shape, o *object) {
	seen := map[string]string{}
	if o != nil {
		seen = o.seen
	}
	for r.err == nil && r.tokens.More() {
		token, err := r.tokens.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			r.fail(err)
			return
		}
		folded := fold(name)
		first, again := seen[folded]
		known, isKnown := s.spelling[folded]
		misspelled := isKnown && name != known
		if again || misspelled {
			r.found(known)
		} else {
			first = name
		}
		seen[folded] = first
		value := r.member(s, name)
		switch {
		case o == nil:
		case again:
			delete(o.members, first)
		case !misspelled:
			o.names = append(o.names, name)
			o.members[name] = value
		}
	}
	r.end()
}

// member reads the value of a member.
func (r *objectReader) member(s *shape, name string) json.RawMessage {
	start := r.tokens.InputOffset()
	of, known := s.known[name]
	if known {
		r.path = append(r.path, name)
		defer func() { r.path = r.path[:len(r.path)-1] }()
	} else {
		of = s.other
	}
	r.value(of)
	return bytes.TrimLeft(r.raw[start:r.tokens.InputOffset()], " \t\r\n:")
}

// value reads a value; of an array, s is the shape of the items.
func (r *objectReader) value(s *shape) {
	if s == nil {
		s = anything
	}
	if s.opaque {
		r.fail(r.tokens.Decode(new(json.RawMessage)))
		return
	}
	token, err := r.tokens.Token()
	r.fail(err)
	switch token {
	case json.Delim('{'):
		r.object(s, nil)
	case json.Delim('['):
		for r.err == nil && r.tokens.More() {
			r.value(s)
		}
		r.end()
	}
}

// end reads the end of an object or an array.
func (r *objectReader) end() {
	_, err := r.tokens.Token()
	r.fail(err)
}

// found notes an ambiguity, of a known member or, if that is empty, of some other.
// Names that are not known are not quoted: what is sent by mistake may be a secret.
func (r *objectReader) found(known string) {
	at := strings.Join(r.path, ".")
	switch {
	case r.ambiguous != "":
	case known != "":
		r.ambiguous = fmt.Sprintf("%s contains %q more than once or in another spelling. Send it once, spelled exactly like that.", at, known)
	default:
		r.ambiguous = at + " contains two members whose names are equal or differ only in case. Send each name once."
	}
}

// fail notes an error of the decoder. Valid JSON has none; if it had, what is
// behind it would be unknown.
func (r *objectReader) fail(err error) {
	if err != nil && r.err == nil {
		r.err = err
		r.ambiguous = "the message cannot be read. Send valid JSON."
	}
}

// fold returns what names have in common that encoding/json takes for the same:
// each character becomes the least that differs from it only in case, so that "K"
// (U+212A, the Kelvin sign) counts as "k", and "ſ" (U+017F) as "s".
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next
			}
			r = next
		}
	}, name)
}
