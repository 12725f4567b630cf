package cli

import (
	"bufio"
	"context"
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
func (p *program) chooseClients(ctx context.Context, names []string, env clients.Environment) (chosen []*clients.Client, err error) {
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
		return nil, usageError{message("setup: no client was named, and there is no terminal to ask at. Name one or more of the clients above.")}
	}
	fmt.Fprint(p.stderr, "Which clients do you want to connect? Enter numbers or names, or all; press Enter for none: ")
	line, err := readLine(ctx, io.LimitReader(p.stdin, maxChoiceBytes))
	if err != nil {
		return nil, err
	}
	return parseChoice(line, installed)
}

// readLine reads a line until its end or until ctx is done. In the latter case it leaves a
// goroutine that continues to read.
func readLine(ctx context.Context, r io.Reader) (string, error) {
	var line string
	done := make(chan error, 1)
	go func() {
		var err error
		line, err = bufio.NewReader(r).ReadString('\n')
		done <- err
	}()
	select {
	case <-ctx.Done():
		return "", message("setup: interrupted before a client was chosen. Nothing was changed.")
	case err := <-done:
		if err != nil && err != io.EOF {
			return "", fmt.Errorf("setup: the answer cannot be read: %w. Name the clients on the command line", err)
		}
		return line, nil
	}
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
