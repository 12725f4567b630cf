package schema

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	invopop "github.com/invopop/jsonschema"
)

// Fault is one thing that is wrong with a value.
type Fault struct {
	// Property is the property concerned, such as "name", "role.id" or "permissions[2]"; empty
	// for the value as a whole.
	Property string

	// Problem describes the fault, in lower case and without a full stop:
	// "missing property 'name'". It does not contain the property's value.
	Problem string
}

// String returns f.Problem.
func (f Fault) String() string { return f.Problem }

// location splits Property into names and indexes.
func (f Fault) location() []string {
	return strings.FieldsFunc(f.Property, func(r rune) bool { return strings.ContainsRune(".[]", r) })
}

// Faults is an error that contains every fault of a value.
type Faults []Fault

// Error returns the problems of the faults on one line.
func (f Faults) Error() string {
	problems := make([]string, len(f))
	for i, fault := range f {
		problems[i] = fault.Problem
	}
	return strings.Join(problems, "; ")
}

// finding is a fault before it is described.
type finding struct {
	path []string // names of properties and indexes of items, from the top
	what any      // missing, unknown, duplicate, a Fault or a jsonschema.ErrorKind
}

type (
	missing   struct{} // a required property is absent
	unknown   struct{} // there is no such property
	duplicate struct{} // a property occurs twice in its object
)

// topLevelProperty returns the name of the top-level property that f is about, or "" for
// the value as a whole.
func (f finding) topLevelProperty() string {
	if len(f.path) == 0 {
		return ""
	}
	return f.path[0]
}

// maxFaults is how many faults an error describes.
const maxFaults = 50

// describeAll describes the findings in the order of the schema's properties. Unknown
// properties follow in alphabetical order.
func (c *contract) describeAll(found []finding) Faults {
	slices.SortStableFunc(found, func(a, b finding) int { return compare(c.root, a.path, b.path) })
	var faults Faults
	listed := map[*invopop.Schema]bool{}
	for _, f := range found[:min(len(found), maxFaults)] {
		faults = append(faults, c.describe(f, listed))
	}
	if more := len(found) - maxFaults; more > 0 {
		faults = append(faults, Fault{Problem: fmt.Sprintf("and %d more faults", more)})
	}
	return faults
}

// describe describes a finding. listed contains the objects whose valid properties have
// been listed before.
func (c *contract) describe(f finding, listed map[*invopop.Schema]bool) Fault {
	if fault, ok := f.what.(Fault); ok {
		return fault
	}
	parent, property := c.locate(f.path)
	switch f.what.(type) {
	case missing:
		return Fault{property, fmt.Sprintf("missing property '%s'", property)}
	case duplicate:
		return Fault{property, fmt.Sprintf("property '%s' is given twice", property)}
	case unknown:
		return Fault{property, fmt.Sprintf("unknown property '%s'%s", property, hint(parent, f.path[len(f.path)-1], property, listed))}
	}
	s := c.root
	for _, name := range f.path {
		s = child(s, name)
	}
	subject := "arguments"
	if property != "" {
		subject = "'" + property + "'"
	}
	return Fault{property, subject + " " + requirement(s, f.what)}
}

// locate returns the schema of the object or array that contains path, and path in the
// form of Fault.Property.
func (c *contract) locate(path []string) (parent *invopop.Schema, property string) {
	var b strings.Builder
	s := c.root
	for _, name := range path {
		switch {
		case s != nil && s.Items != nil:
			fmt.Fprintf(&b, "[%s]", name)
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			if !known(s, name) {
				name = quoteName(name)
			}
			b.WriteString(name)
		}
		parent, s = s, child(s, name)
	}
	return parent, b.String()
}

// hint returns a hint for an unknown name: the name that was probably meant or, once for each
// object, the valid names.
func hint(parent *invopop.Schema, name, property string, listed map[*invopop.Schema]bool) string {
	valid := names(parent)
	for _, candidate := range valid {
		if fold(candidate) == fold(name) {
			meant := strings.TrimSuffix(property, quoteName(name)) + candidate
			return fmt.Sprintf(" (did you mean '%s'?)", meant)
		}
	}
	if listed[parent] {
		return ""
	}
	listed[parent] = true
	switch len(valid) {
	case 0:
		return " (there are no properties)"
	case 1:
		return fmt.Sprintf(" (the only property is '%s')", valid[0])
	}
	return " (properties are " + list(valid, "and") + ")"
}

// fold returns the same text for all spellings of a name, such as name_of, name-of and nameOf.
func fold(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

// quoteName returns an untrusted name in a form that is safe between quotes: with at most 40
// characters, and with control characters and quotes escaped.
func quoteName(name string) string {
	const most = 40
	count := 0
	for i := range name {
		if count == most {
			name = name[:i] + "…"
			break
		}
		count++
	}
	name = strconv.Quote(name)
	name = strings.ReplaceAll(name[1:len(name)-1], `\"`, `"`)
	return strings.ReplaceAll(name, "'", `\'`)
}

// list returns "'a', 'b' and 'c'".
func list(words []string, last string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = "'" + word + "'"
	}
	return enumerate(quoted, last)
}

func enumerate(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	end := len(words) - 1
	return strings.Join(words[:end], ", ") + " " + last + " " + words[end]
}

// compare orders locations as s does: parents before children, known names before unknown
// ones.
func compare(s *invopop.Schema, a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return cmp.Or(cmp.Compare(rank(s, a[i]), rank(s, b[i])), cmp.Compare(a[i], b[i]))
		}
		s = child(s, a[i])
	}
	return cmp.Compare(len(a), len(b))
}

func rank(s *invopop.Schema, name string) int {
	if s != nil && s.Items != nil {
		index, _ := strconv.Atoi(name)
		return index
	}
	if !known(s, name) {
		return math.MaxInt
	}
	return slices.Index(names(s), name)
}
