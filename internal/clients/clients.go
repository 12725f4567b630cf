// Package clients knows the MCP clients that raff-mcp can be connected to: where each
// keeps its configuration, what an entry for a server looks like there, and how the client
// starts that server.
//
// [All] returns the clients and [Find] finds one by its name. [Client.Entries] reads what
// a client is configured to start, and [Client.Launch] says how it starts it.
// [Client.PlanSet] and [Client.PlanRemove] plan a change of a client's file, which
// [Plan.Apply] makes.
package clients

import "slices"

// A Scope says for whom an entry of a client is valid.
type Scope string

// The scopes. Only User and Project can be written; Local exists only in Claude Code.
const (
	User    Scope = "user"    // this user, everywhere
	Project Scope = "project" // everybody who works in the directory
	Local   Scope = "local"   // this user, in the directory
)

// A Client is an MCP client. It never changes.
type Client struct {
	// Name is the client's name on the command line: claude-code.
	Name string
	// Title is its name for people: Claude Code.
	Title string
	// Scopes are the scopes that can be written, the default first.
	Scopes []Scope
	// Next tells a person, in a sentence, how a new entry takes effect. NextInProject is
	// the same for one of scope Project; if it is "", Next applies.
	Next, NextInProject string

	programs  []string                // found in PATH if the client is installed
	folders   func(d dirs) []string   // of which one exists if the client is installed
	locations func(d dirs) []location // where the client looks, preferred ones first
	format    format
	rules     rules
}

// All returns the clients in the order in which help lists them.
func All() []*Client {
	return []*Client{
		claudeCode(), claudeDesktop(), cursor(), vscode(), codex(), gemini(), copilot(), windsurf(), zed(), opencode(),
	}
}

// Find returns the client with that name.
func Find(name string) (*Client, bool) {
	all := All()
	i := slices.IndexFunc(all, func(c *Client) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// Names returns the names of all clients.
func Names() (names []string) {
	for _, c := range All() {
		names = append(names, c.Name)
	}
	return names
}

// HasScope reports whether entries of that scope can be written.
func (c *Client) HasScope(s Scope) bool { return slices.Contains(c.Scopes, s) }

// Installed reports whether the client seems to be installed, and what says so: the path
// of its program or of its directory.
func (c *Client) Installed(env Environment) (installed bool, how string) {
	for _, program := range c.programs {
		if path, err := env.LookPath(program); err == nil {
			return true, path
		}
	}
	d, err := env.dirs()
	if err != nil {
		return false, ""
	}
	for _, folder := range c.folders(d) {
		if isDir(folder) {
			return true, folder
		}
	}
	return false, ""
}

// An Entry is what one of a client's files contains for a server.
type Entry struct {
	// Path is the file, and Scope for whom it is valid.
	Path  string
	Scope Scope
	// Command and Args start the server, Env and Dir are its variables and its working
	// directory, all as written: placeholders are not expanded.
	Command string
	Args    []string
	Env     []Variable
	Dir     string
	// PassOn are the names of variables that the client is to pass on (Codex: env_vars).
	PassOn []string
	// EnvFile is a file with more variables (VS Code, Cursor: envFile), as written.
	EnvFile string
	// Disabled reports that the entry tells the client not to start the server.
	Disabled bool
	// Problem says, in two sentences, why the client cannot use the file or the entry; nil
	// if it can. Everything but Path and Scope may then be empty.
	Problem error
}

// A Variable is an environment variable of an entry.
type Variable struct{ Name, Value string }

// A Launch is how a client starts a server.
type Launch struct {
	Command string
	Args    []string
	// Env is the complete environment, as for exec.Cmd.
	Env []string
	// Dir is the working directory. The client itself is assumed to run in
	// Environment.Dir, as a program in a terminal does, or with that directory open.
	Dir string
	// Withheld are the names of variables RAFF_… that are set in the environment and that
	// the client does not pass on.
	Withheld []string
	// Unexpanded are the placeholders in the entry that the client passes on as they are,
	// or for which it has no value, as they are written.
	Unexpanded []string
}
