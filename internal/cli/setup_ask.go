package cli

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

// maxChoiceBytes limits what is read as the answer to the question which clients to connect.
const maxChoiceBytes = 1 << 10

// chooseClients returns the clients with these names. Without names, it lists the clients
// that are installed and, at a terminal, asks which of them are meant.
func (p *program) chooseClients(names []string, env clients.Environment) (chosen []*clients.Client, err error) {
	for _, name := range names {
		c, err := findClient(name)
		if err != nil {
			return nil, err
		}
		chosen = appendClient(chosen, c)
	}
	if len(names) > 0 {
		return chosen, nil
	}
	installed := p.listInstalled(env)
	if len(installed) == 0 {
		return nil, usageError{message("found no MCP client. Name the one that you use: raff-mcp setup " + strings.Join(clients.Names(), "|") + ".")}
	}
	if !p.env.StdinIsTerminal || !p.env.StderrIsTerminal {
		return nil, usageError{message("setup: no client was named, and nobody can be asked. Name one or more of the clients above.")}
	}
	fmt.Fprint(p.stderr, "Connect which? Numbers or names, or all; press Enter for none: ")
	line, err := bufio.NewReader(io.LimitReader(p.stdin, maxChoiceBytes)).ReadString('\n')
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("setup: read the answer: %w", err)
	}
	return parseChoice(line, installed)
}

// listInstalled prints the clients that are installed, with the numbers by which they can
// be chosen.
func (p *program) listInstalled(env clients.Environment) (installed []*clients.Client) {
	for _, c := range clients.All() {
		if ok, how := c.Installed(env); ok {
			installed = append(installed, c)
			fmt.Fprintf(p.stderr, "  %d  %-15s %s (%s)\n", len(installed), c.Name, c.Title, printable.String(how))
		}
	}
	return installed
}

// parseChoice returns the clients that an answer names.
func parseChoice(answer string, installed []*clients.Client) (chosen []*clients.Client, err error) {
	words := strings.FieldsFunc(strings.ToLower(answer), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\r' || r == '\n' })
	if len(words) == 0 {
		return nil, message("setup: no client was chosen. Nothing was changed.")
	}
	if slices.Equal(words, []string{"all"}) {
		return installed, nil
	}
	for _, word := range words {
		c, ok := clients.Find(word)
		if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= len(installed) {
			c, ok = installed[n-1], true
		}
		if !ok {
			return nil, message("setup: the answer contains something other than numbers and names of clients. Nothing was changed; run it again.")
		}
		chosen = appendClient(chosen, c)
	}
	return chosen, nil
}

// appendClient appends a client unless it is in the list.
func appendClient(list []*clients.Client, c *clients.Client) []*clients.Client {
	if slices.ContainsFunc(list, func(other *clients.Client) bool { return other.Name == c.Name }) {
		return list
	}
	return append(list, c)
}
