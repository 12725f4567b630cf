package cli

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

// checkDoctorArgs checks the names of clients.
func checkDoctorArgs(_ *cobra.Command, args []string) error {
	for _, name := range args {
		if _, err := findClient(name); err != nil {
			return err
		}
	}
	return nil
}

// doctorEntries returns the entries of that name in the files of the named clients, each of
// which must have one, or else of all clients. If no client has one, the program is checked
// as it is started here.
func (p *program) doctorEntries(flags doctorFlags, named []string) ([]doctor.Entry, error) {
	env, err := p.clientsEnvironment()
	if err != nil {
		return nil, err
	}
	var list []doctor.Entry
	for _, c := range clients.All() {
		if len(named) > 0 && !slices.Contains(named, c.Name) {
			continue
		}
		found, err := c.Entries(env, flags.name)
		if err != nil {
			return nil, err
		}
		list = append(list, clientEntries(env, c, flags, found)...)
		if len(found) == 0 && len(named) > 0 {
			list = append(list, doctor.Entry{Client: c.Name, Title: c.Title, Name: flags.name,
				Problem: message(fmt.Sprintf("%s has no entry %s for a server. Run `raff-mcp setup %s`.", c.Title, flags.name, c.Name))})
		}
	}
	if len(list) == 0 {
		return ownEntries(flags.name), nil
	}
	return list, nil
}

// clientEntries returns what a client's files contain. In the home directory, the file of
// the project may be that of the user, and counts as that.
func clientEntries(env clients.Environment, c *clients.Client, flags doctorFlags, found []clients.Entry) (list []doctor.Entry) {
	for i, e := range found {
		same := func(other clients.Entry) bool {
			other.Scope = e.Scope
			return other.Path == e.Path && (e.Problem != nil || reflect.DeepEqual(other, e))
		}
		if slices.ContainsFunc(found[i+1:], same) {
			continue
		}
		entry := doctorEntry(env, c, flags.name, e)
		if e.Scope == clients.Project && entry.Problem == nil && !flags.project {
			entry.Problem = errUntrusted
		}
		if len(list) > 0 && e.Path != list[0].File {
			entry.Shadow = list[0].File
		}
		list = append(list, entry)
	}
	return list
}

// errUntrusted is why an entry of a project is not started. Whoever has written the file
// decides which program runs, and to which address it sends the user's key. A client asks
// the user before it starts such a server.
const errUntrusted = message("the server is not started, because the file belongs to the project in this directory and may come from somebody else. Look at the entry and, if you trust it, run `raff-mcp doctor --project`.")

// doctorEntry returns an entry as doctor checks it.
func doctorEntry(env clients.Environment, c *clients.Client, name string, e clients.Entry) doctor.Entry {
	d := doctor.Entry{Client: c.Name, Title: c.Title, Scope: string(e.Scope), File: e.Path, Name: name}
	l, err := c.Launch(env, e)
	fault, isFault := errors.AsType[*confedit.Error](err)
	switch {
	case isFault: // without what else an error of a file says, which is for editors
		d.Problem = fmt.Errorf("%s cannot be used: %w", e.Path, fault)
	case err != nil:
		d.Problem = err
	case e.Disabled:
		d.Problem = message(fmt.Sprintf("the entry is disabled, so that %s does not start the server. Enable it in %s.", c.Title, e.Path))
	default:
		d.Launch = doctor.Launch{Command: l.Command, Args: l.Args, Env: l.Env, Dir: l.Dir}
		d.Withheld, d.Unexpanded = l.Withheld, l.Unexpanded
	}
	return d
}

// ownEntries are what is checked if no client has an entry: that there is none, and this
// program as it is started here.
func ownEntries(name string) []doctor.Entry {
	missing := doctor.Entry{Title: "Clients", Name: name,
		Problem: message(fmt.Sprintf("no client has an entry %s for a server. Run `raff-mcp setup`, which connects them.", name))}
	executable, err := os.Executable()
	if err != nil {
		return []doctor.Entry{missing}
	}
	return []doctor.Entry{missing, {Title: "raff-mcp itself, in this environment",
		Launch: doctor.Launch{Command: executable, Env: os.Environ()}}}
}
