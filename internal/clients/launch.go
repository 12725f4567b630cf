package clients

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// variablePrefix begins the names of the variables that raff-mcp reads.
const variablePrefix = "RAFF_"

// rules say how a client starts a server.
type rules struct {
	// inherits reports whether the server inherits a variable, whose name is in upper case
	// on Windows.
	inherits func(goos, name string) bool
	// placeholders are what the client replaces in command, args and env.
	placeholders placeholders
	// nameAsValue: a variable of the entry whose value is the name of another one gets that
	// one's value.
	nameAsValue bool
	// unsetVariable says what becomes of a placeholder in env for which there is no value.
	unsetVariable unset
	// appendsPath: PATH in env is appended to the inherited one.
	appendsPath bool
	// tilde: ~ at the beginning of command and args is the home directory.
	tilde bool
	// dir returns the working directory of a server whose entry names none.
	dir func(d dirs, s Scope) string
}

// Launch returns how the client starts the server of an entry. It returns an error if the
// client cannot.
func (c *Client) Launch(env Environment, e Entry) (Launch, error) {
	if e.Problem != nil {
		return Launch{}, e.Problem
	}
	d, err := env.dirs()
	if err != nil {
		return Launch{}, err
	}
	x := &expander{dirs: d, rules: &c.rules}
	l := Launch{Command: x.expand(e.Command)}
	for _, arg := range e.Args {
		l.Args = append(l.Args, x.expand(arg))
	}
	if c.rules.tilde {
		l.Command = untilde(d.home, l.Command)
		for i, arg := range l.Args {
			l.Args[i] = untilde(d.home, arg)
		}
	}
	variables, err := c.variables(x, e)
	if err != nil {
		return Launch{}, err
	}
	l.Env = variables.environ()
	l.Withheld = env.withheld(variables)
	l.Dir = c.workingDir(x, e)
	l.Unexpanded = x.unexpanded
	return l, nil
}

// variables returns the variables of the server.
func (c *Client) variables(x *expander, e Entry) (*variableSet, error) {
	env := x.dirs.env
	set := &variableSet{env: env}
	for _, variable := range env.Environ() {
		name, value, ok := strings.Cut(variable, "=")
		if ok && name != "" && (c.passesOn(env, name) || env.containsVariable(e.PassOn, name)) {
			set.set(name, value)
		}
	}
	if e.EnvFile != "" {
		if err := set.readFile(x.expand(e.EnvFile)); err != nil {
			return nil, err
		}
	}
	for _, v := range e.Env {
		value := x.expandVariable(v.Value)
		if inherited, ok := set.get(v.Name); ok && c.rules.appendsPath && strings.EqualFold(v.Name, "PATH") {
			value = inherited + string(filepath.ListSeparator) + value
		}
		set.set(v.Name, value)
	}
	return set, nil
}

// passesOn reports whether a server inherits the variable with that name.
func (c *Client) passesOn(env Environment, name string) bool {
	if env.GOOS == windows {
		name = strings.ToUpper(name)
	}
	return c.rules.inherits(env.GOOS, name)
}

// Withholds reports whether the client does not pass a variable of its own environment on
// to servers whose entries do not name it.
func (c *Client) Withholds(env Environment, name string) bool { return !c.passesOn(env, name) }

func (c *Client) workingDir(x *expander, e Entry) string {
	dir := c.rules.dir(x.dirs, e.Scope)
	if e.Dir == "" {
		return dir
	}
	own := x.expand(e.Dir)
	if c.rules.tilde {
		own = untilde(x.dirs.home, own)
	}
	if !x.dirs.env.isAbs(own) {
		own = x.dirs.join(dir, own)
	}
	return own
}

func untilde(home, text string) string {
	if text == "~" || strings.HasPrefix(text, "~/") || strings.HasPrefix(text, `~\`) {
		return home + text[1:]
	}
	return text
}

func (e Environment) containsVariable(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return e.sameVariable(n, name) })
}

// withheld returns the sorted names of set variables of raff-mcp that are not in set.
func (e Environment) withheld(set *variableSet) (names []string) {
	for _, variable := range e.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if value == "" || !strings.HasPrefix(name, variablePrefix) {
			continue
		}
		if _, ok := set.get(name); !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// A variableSet is an environment under construction.
type variableSet struct {
	env  Environment
	list []Variable
}

func (s *variableSet) index(name string) int {
	return slices.IndexFunc(s.list, func(v Variable) bool { return s.env.sameVariable(v.Name, name) })
}

func (s *variableSet) get(name string) (string, bool) {
	if i := s.index(name); i >= 0 {
		return s.list[i].Value, true
	}
	return "", false
}

func (s *variableSet) set(name, value string) {
	if i := s.index(name); i >= 0 {
		s.list[i].Value = value
		return
	}
	s.list = append(s.list, Variable{name, value})
}

// environ returns the variables, sorted, as for exec.Cmd.
func (s *variableSet) environ() []string {
	slices.SortStableFunc(s.list, func(a, b Variable) int { return cmp.Compare(a.Name, b.Name) })
	environ := []string{}
	for _, v := range s.list {
		environ = append(environ, v.Name+"="+v.Value)
	}
	return environ
}
