package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits on what is parsed. Values beyond them would take disproportionate time or memory,
// and are of no use to any caller.
const (
	maxDepth    = 100
	maxNumber   = 400 // length of a number, in bytes
	maxExponent = 400
)

// parse decodes raw as one JSON object and omits the ignored top-level properties. If raw is
// empty or null, the object is empty. It returns a finding for each property that occurs twice:
// encoding/json silently keeps the last one, other decoders keep the first.
func parse(raw json.RawMessage, ignored []string) (map[string]any, []finding, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return map[string]any{}, nil, nil
	}
	if !utf8.Valid(raw) || !json.Valid(raw) {
		return nil, nil, errors.New("arguments are not valid JSON")
	}
	if raw[0] != '{' {
		return nil, nil, errors.New("arguments must be an object")
	}
	p := parser{tokens: json.NewDecoder(bytes.NewReader(raw)), ignored: ignored}
	p.tokens.UseNumber()
	v, err := p.value()
	if err != nil {
		return nil, nil, err
	}
	return v.(map[string]any), p.found, nil
}

type parser struct {
	tokens  *json.Decoder
	ignored []string // names of properties of the top level
	path    []string // the current location: names of properties, indexes of items
	found   []finding
}

func (p *parser) value() (any, error) {
	token, err := p.tokens.Token()
	if err != nil {
		return nil, errors.New("arguments are not valid JSON")
	}
	if len(p.path) > maxDepth {
		return nil, fmt.Errorf("arguments are nested more than %d levels deep", maxDepth)
	}
	switch token := token.(type) {
	case json.Delim:
		if token == '{' {
			return p.object()
		}
		return p.array()
	case json.Number:
		if !manageable(token) {
			return nil, errors.New("arguments contain a number that is too large or too long")
		}
	}
	return token, nil
}

func (p *parser) object() (map[string]any, error) {
	object := map[string]any{}
	var twice map[string]bool
	for p.tokens.More() {
		token, err := p.tokens.Token()
		if err != nil {
			return nil, errors.New("arguments are not valid JSON")
		}
		name := token.(string)
		if len(p.path) == 0 && slices.Contains(p.ignored, name) {
			if err := p.tokens.Decode(new(json.RawMessage)); err != nil {
				return nil, errors.New("arguments are not valid JSON")
			}
			continue
		}
		p.path = append(p.path, name)
		if _, ok := object[name]; ok && !twice[name] {
			if twice == nil {
				twice = map[string]bool{}
			}
			twice[name] = true
			p.found = append(p.found, finding{path: slices.Clone(p.path), what: duplicate{}})
		}
		if object[name], err = p.value(); err != nil {
			return nil, err
		}
		p.path = p.path[:len(p.path)-1]
	}
	_, err := p.tokens.Token()
	return object, err
}

func (p *parser) array() ([]any, error) {
	array := []any{}
	for p.tokens.More() {
		p.path = append(p.path, strconv.Itoa(len(array)))
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		array = append(array, v)
		p.path = p.path[:len(p.path)-1]
	}
	_, err := p.tokens.Token()
	return array, err
}

// manageable reports whether n fits a float64 and exact calculations with it are fast.
// big.Rat stores every digit of 1e1000000.
func manageable(n json.Number) bool {
	if len(n) > maxNumber {
		return false
	}
	if i := strings.IndexAny(string(n), "eE"); i >= 0 {
		exponent, err := strconv.Atoi(string(n[i+1:]))
		if err != nil || exponent < -maxExponent || exponent > maxExponent {
			return false
		}
	}
	_, err := n.Float64()
	return err == nil
}
