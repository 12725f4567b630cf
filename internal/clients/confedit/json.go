package confedit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/tailscale/hujson"
)

// jsonSyntax edits JSON. hujson provides the syntax tree, with the offset of every value;
// the edits are splices of the text.
type jsonSyntax struct {
	comments bool // and trailing commas
}

func (s jsonSyntax) Entry(text []byte, section []string, name string) (any, bool, error) {
	d, err := s.parse(text)
	if err != nil {
		return nil, false, err
	}
	return d.entry(section, name)
}

func (s jsonSyntax) Set(text []byte, section []string, name string, value Object) ([]byte, error) {
	d, err := s.parse(text)
	if err != nil {
		return nil, err
	}
	old, ok, err := d.entry(section, name)
	if err != nil {
		return nil, err
	}
	if ok && same(old, value) {
		return text, nil
	}
	at, err := d.find(append(section[:len(section):len(section)], name))
	if err != nil {
		return nil, err
	}
	return s.finish(d, d.set(at, value), section, name, value)
}

func (s jsonSyntax) Remove(text []byte, section []string, name string) ([]byte, error) {
	d, err := s.parse(text)
	if err != nil {
		return nil, err
	}
	at, err := d.find(append(section[:len(section):len(section)], name))
	if err != nil {
		return nil, err
	}
	if len(at.missing) > 0 {
		return text, nil
	}
	return s.finish(d, d.remove(at.toRemove()), section, name, nil)
}

func (s jsonSyntax) Format(section []string, name string, value Object) []byte {
	return newJSONStyle(jsonDocument{}).file(wrap(append(section[:len(section):len(section)], name), value))
}

// wrap returns an object that contains value at a path.
func wrap(path []string, value any) Object {
	for i := len(path) - 1; i > 0; i-- {
		value = Object{{path[i], value}}
	}
	return Object{{path[0], value}}
}

// finish makes the edit and checks the result.
func (s jsonSyntax) finish(before jsonDocument, splices []splice, section []string, name string, value Object) ([]byte, error) {
	text := append(before.mark[:len(before.mark):len(before.mark)], applySplices(before.text, splices)...)
	after, err := s.parse(text)
	if err != nil {
		return nil, errInconsistent
	}
	got, ok, err := after.entry(section, name)
	if err != nil || ok != (value != nil) || ok && !same(got, value) {
		return nil, errInconsistent
	}
	path := append(section[:len(section):len(section)], name)
	if !bytes.Equal(before.without(path), after.without(path)) {
		return nil, errInconsistent
	}
	return text, nil
}

// A jsonDocument is a parsed text.
type jsonDocument struct {
	mark []byte // the byte order mark
	text []byte // the rest
	root *hujson.Value
	// root is nil if the text consists of white space and comments.
}

// maxDepth is how deeply values may be nested. It is the limit of encoding/json.
const maxDepth = 10_000

func (s jsonSyntax) parse(text []byte) (jsonDocument, error) {
	d := jsonDocument{}
	d.mark, d.text = splitBOM(text)
	if len(bytes.TrimSpace(d.text)) == 0 {
		return d, nil
	}
	if !s.comments {
		var v any
		if err := json.Unmarshal(d.text, &v); err != nil {
			return d, s.strictError(d.text, err)
		}
	}
	if jsonDepth(d.text) > maxDepth {
		return d, &Error{Problem: "its values are nested too deeply", Fix: fixByHand}
	}
	// A comment in the last line may lack its line ending, which hujson requires.
	padded := append(d.text[:len(d.text):len(d.text)], '\n')
	if v, err := hujson.Parse(append(padded, "null"...)); err == nil && v.StartOffset == len(padded) {
		return d, nil
	}
	v, err := hujson.Parse(padded)
	if err != nil {
		return d, jsonError(err)
	}
	if v.Value.Kind() != '{' {
		return d, (&Error{Problem: "it does not contain a JSON object", Fix: fixSyntax}).at(d.text, v.StartOffset)
	}
	d.root = &v
	return d, nil
}

// strictError explains what encoding/json rejected.
func (s jsonSyntax) strictError(text []byte, err error) error {
	e := &Error{Problem: "it is not valid JSON", Fix: fixSyntax}
	if _, err := (jsonSyntax{comments: true}).parse(text); err == nil {
		e = &Error{
			Problem: "it contains comments or trailing commas, which the program that reads it does not accept",
			Fix:     "Remove them, and try again",
		}
	}
	if syntax, ok := err.(*json.SyntaxError); ok { //nolint:errorlint // Unmarshal does not wrap it
		return e.at(text, int(syntax.Offset)-1)
	}
	return e
}

// jsonError keeps only the position of an error of hujson, whose text may quote a value.
func jsonError(err error) error {
	e := &Error{Problem: "it is not valid JSON", Fix: fixSyntax}
	if _, scanErr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &e.Line, &e.Column); scanErr != nil {
		e.Line, e.Column = 0, 0
	}
	return e
}

// jsonDepth returns how deeply the values in a text are nested. hujson is recursive, and
// would overflow the stack.
func jsonDepth(text []byte) int {
	depth, deepest := 0, 0
	for i := 0; i < len(text); i++ {
		switch rest := text[i:]; {
		case rest[0] == '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case bytes.HasPrefix(rest, []byte("//")):
			i += max(bytes.IndexByte(rest, '\n'), 1)
		case bytes.HasPrefix(rest, []byte("/*")):
			i += max(bytes.Index(rest[2:], []byte("*/")), 0) + 3
		case rest[0] == '{' || rest[0] == '[':
			depth++
			deepest = max(deepest, depth)
		case rest[0] == '}' || rest[0] == ']':
			depth--
		}
	}
	return deepest
}

// entry returns the decoded value of an entry.
func (d jsonDocument) entry(section []string, name string) (any, bool, error) {
	at, err := d.find(append(section[:len(section):len(section)], name))
	if err != nil || len(at.missing) > 0 {
		return nil, false, err
	}
	standard := at.value.Clone()
	standard.Standardize()
	decoder := json.NewDecoder(bytes.NewReader(standard.Pack()))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, false, (&Error{Problem: "it is not valid JSON", Fix: fixSyntax}).at(d.text, at.value.StartOffset)
	}
	return v, true, nil
}

// without returns the text without comments and white space, without what is at a path,
// and without the objects along the path that are then empty.
func (d jsonDocument) without(path []string) []byte {
	if d.root == nil {
		return []byte("{}")
	}
	v := d.root.Clone()
	v.Minimize()
	withoutMember(&v, path)
	return v.Pack()
}

func withoutMember(v *hujson.Value, path []string) {
	o, ok := v.Value.(*hujson.Object)
	if !ok {
		return
	}
	kept := o.Members[:0]
	for _, m := range o.Members {
		if memberName(m) == path[0] {
			if len(path) == 1 {
				continue
			}
			withoutMember(&m.Value, path[1:])
			if inner, ok := m.Value.Value.(*hujson.Object); m.Value.Value.Kind() == 'n' || ok && len(inner.Members) == 0 {
				continue
			}
		}
		kept = append(kept, m)
	}
	o.Members = kept
}

func memberName(m hujson.ObjectMember) string {
	return m.Name.Value.(hujson.Literal).String()
}
