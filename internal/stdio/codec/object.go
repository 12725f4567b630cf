package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// An object is a JSON object with its unambiguous members.
//
// encoding/json, with which mcp-go decodes messages, accepts "NAME" for "name" and
// uses the last of several. Another reader of the message, such as a gateway that
// approves calls by the name of the tool, may use the first, or only the exact
// spelling. A message that can be read in two ways is therefore refused.
type object struct {
	names   []string // decoded, in order
	members map[string]json.RawMessage
	seen    map[string]string // the first spelling of each name, by its folded form
	// ambiguous describes the first ambiguity in the object or in a value that it
	// contains; empty if there is none.
	ambiguous string
}

// readObject reads raw, which must be a valid JSON object, in one pass. The name is
// used in the description of an ambiguity. Members share the memory of raw.
func readObject(raw []byte, s *shape, name string) object {
	r := &objectReader{raw: raw, tokens: json.NewDecoder(bytes.NewReader(raw)), path: []string{name}}
	r.tokens.UseNumber()
	o := object{members: map[string]json.RawMessage{}, seen: map[string]string{}}
	_, _ = r.tokens.Token()
	r.object(s, &o)
	o.ambiguous = r.ambiguous
	return o
}

// has reports whether the object has a member with that name, in any spelling.
func (o object) has(name string) bool {
	_, ok := o.seen[fold(name)]
	return ok
}

// encode encodes the members that keep selects. The object must not be ambiguous.
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

// An objectReader reads an object and the values in it.
type objectReader struct {
	raw       []byte
	tokens    *json.Decoder
	path      []string // to the object being read; unknown members are left out
	ambiguous string   // the first ambiguity found
	err       error
}

// object reads the rest of an object. It stores the members in o, unless o is nil.
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
			r.addAmbiguity(known)
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
	valueShape, known := s.known[name]
	if known {
		r.path = append(r.path, name)
		defer func() { r.path = r.path[:len(r.path)-1] }()
	} else {
		valueShape = s.other
	}
	r.value(valueShape)
	return bytes.TrimLeft(r.raw[start:r.tokens.InputOffset()], " \t\r\n:")
}

// value reads a value; s is its shape or, for an array, that of its elements.
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

// end reads the end of an object or array.
func (r *objectReader) end() {
	_, err := r.tokens.Token()
	r.fail(err)
}

// addAmbiguity records an ambiguity of the known member, or of an unknown one if known is
// empty. It does not quote unknown names: one that was sent by mistake may be a secret.
func (r *objectReader) addAmbiguity(known string) {
	at := strings.Join(r.path, ".")
	switch {
	case r.ambiguous != "":
	case known != "":
		r.ambiguous = fmt.Sprintf("%s contains %q more than once or in another spelling. Send it once, spelled exactly like that.", at, known)
	default:
		r.ambiguous = at + " contains two members whose names are equal or differ only in case. Send each name once."
	}
}

// fail records an error of the decoder. Valid JSON does not cause one; if it did, the rest
// of the message would be unchecked.
func (r *objectReader) fail(err error) {
	if err != nil && r.err == nil {
		r.err = err
		r.ambiguous = "the message cannot be read. Send valid JSON."
	}
}
