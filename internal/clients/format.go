package clients

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// A format is the form of a client's entries.
type format struct {
	syntax        confedit.Syntax
	before, after confedit.Object // fields that are the same in every entry
	list          bool            // command is a list that contains the arguments, too
	env           string          // the field with the variables
	passOn        string          // the field with the names of variables to pass on, "" if there is none
}

// encode returns the entry of a server that also gets variables of the client, by name.
func (f format) encode(s Server, variables []string, refer func(string) string) confedit.Object {
	entry := slices.Clone(f.before)
	if f.list {
		entry = append(entry, confedit.Field{Name: "command", Value: append([]string{s.Command}, s.Args...)})
	} else {
		entry = append(entry,
			confedit.Field{Name: "command", Value: s.Command},
			confedit.Field{Name: "args", Value: append([]string{}, s.Args...)})
	}
	switch {
	case len(variables) == 0:
	case f.passOn != "":
		entry = append(entry, confedit.Field{Name: f.passOn, Value: variables})
	default:
		var env confedit.Object
		for _, name := range variables {
			env = append(env, confedit.Field{Name: name, Value: refer(name)})
		}
		entry = append(entry, confedit.Field{Name: f.env, Value: env})
	}
	return append(entry, f.after...)
}

// decode sets in e what an entry contains.
func (f format) decode(value any, e *Entry) error {
	fields, ok := value.(map[string]any)
	if !ok {
		return &confedit.Error{Problem: "the entry is not an object", Fix: "Replace it with raff-mcp setup --replace"}
	}
	_, remote := fields["url"]
	_, httpURL := fields["httpUrl"]
	_, serverURL := fields["serverUrl"]
	if fields["command"] == nil && (remote || httpURL || serverURL) {
		return &confedit.Error{Problem: "the entry is for a server at a URL, not for a program", Fix: "Choose another name with --name, or remove the entry"}
	}
	r := &reader{fields: fields}
	f.readCommand(r, e)
	e.Env = r.variables(f.env)
	if f.passOn != "" {
		e.PassOn = r.names(f.passOn)
	}
	e.Dir = r.text("cwd")
	e.EnvFile = r.text("envFile")
	e.Disabled = fields["disabled"] == true || fields["enabled"] == false
	return r.err
}

func (f format) readCommand(r *reader, e *Entry) {
	if f.list {
		if words := r.texts("command"); len(words) > 0 {
			e.Command, e.Args = words[0], words[1:]
		}
	} else {
		e.Command, e.Args = r.text("command"), r.texts("args")
	}
	if e.Command == "" {
		r.fail("command")
	}
}

// A reader reads fields of the expected types and keeps the first error.
type reader struct {
	fields map[string]any
	err    error
}

func (r *reader) fail(field string) {
	if r.err == nil {
		r.err = &confedit.Error{Problem: "the entry's " + field + " is missing or of the wrong type", Fix: "Replace the entry with raff-mcp setup --replace"}
	}
}

func (r *reader) text(field string) string {
	switch value := r.fields[field].(type) {
	case nil:
	case string:
		return value
	default:
		r.fail(field)
	}
	return ""
}

func (r *reader) texts(field string) (list []string) {
	values, ok := r.fields[field].([]any)
	if !ok && r.fields[field] != nil {
		r.fail(field)
	}
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			r.fail(field)
		}
		list = append(list, text)
	}
	return list
}

// names reads a list whose elements are names, or objects with a field of that name.
func (r *reader) names(field string) (list []string) {
	values, ok := r.fields[field].([]any)
	if !ok && r.fields[field] != nil {
		r.fail(field)
	}
	for _, value := range values {
		if object, ok := value.(map[string]any); ok {
			value = object["name"]
		}
		name, ok := value.(string)
		if !ok {
			r.fail(field)
		}
		list = append(list, name)
	}
	return list
}

// variables reads an object of texts. Numbers and bools count as texts, and nil as unset.
func (r *reader) variables(field string) (list []Variable) {
	values, ok := r.fields[field].(map[string]any)
	if !ok && r.fields[field] != nil {
		r.fail(field)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch value := values[name].(type) {
		case nil:
		case map[string]any, []any:
			r.fail(field)
		default:
			list = append(list, Variable{name, fmt.Sprint(value)})
		}
	}
	return list
}
