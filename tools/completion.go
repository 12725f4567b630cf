package tools

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// options reads what an argument of a prompt can be completed to.
type options func(context.Context, *raffclient.Client) ([]option, error)

// option is something in the account that an argument can name.
type option struct {
	text string // that the argument is completed to
	id   string // if not "", the argument can also be this, once its beginning is typed
}

const (
	// maxCompletions is the protocol's limit.
	maxCompletions = 100
	// completionTimeout is how long a user waits, at most, for a list while typing.
	completionTimeout = 3 * time.Second
	// minIDStart is how many characters of an ID must be typed for it to be completed.
	minIDStart = 4
)

// completer completes the arguments of prompts from the account.
type completer struct {
	*deps
	prompts []prompt
}

// CompletePromptArgument returns the names that contain what was typed. Without access to
// the account, there are none: that is no error, since the user can type on.
func (c completer) CompletePromptArgument(ctx context.Context, name string, argument mcp.CompleteArgument, _ mcp.CompleteContext) (*mcp.Completion, error) {
	read := c.optionsOf(name, argument.Name)
	// Reading the server's key, which may need the user, is not part of completionTimeout.
	if read == nil || c.client.LoadKey(ctx) != nil {
		return &mcp.Completion{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	all, err := read(ctx, c.client)
	if err != nil {
		c.log.Debug("nothing to complete an argument with", "prompt", name, "argument", argument.Name, "reason", reason(err))
		return &mcp.Completion{}, nil
	}
	values := matching(all, argument.Value)
	n := min(len(values), maxCompletions)
	return &mcp.Completion{Values: values[:n], Total: len(values), HasMore: n < len(values)}, nil
}

func (c completer) optionsOf(name, argument string) options {
	for _, p := range c.prompts {
		for _, a := range p.arguments {
			if p.name == name && a.name == argument {
				return a.options
			}
		}
	}
	return nil
}

// matching returns the options that contain typed, case-insensitive, in alphabetical order;
// first those that begin with it.
func matching(all []option, typed string) []string {
	typed = strings.ToLower(strings.TrimSpace(typed))
	var first, rest []string
	for _, o := range all {
		lower := strings.ToLower(o.text)
		switch {
		case o.text == "":
		case strings.HasPrefix(lower, typed):
			first = append(first, o.text)
		case strings.Contains(lower, typed):
			rest = append(rest, o.text)
		case len(typed) >= minIDStart && strings.HasPrefix(strings.ToLower(o.id), typed) && raffclient.IsUUID(o.id):
			rest = append(rest, o.id)
		}
	}
	return slices.Concat(alphabetical(first), alphabetical(rest))
}

func alphabetical(list []string) []string {
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
	})
	return slices.Compact(list)
}

// keyNames returns the names of the API keys, those that are not unique with the prefix.
func keyNames(ctx context.Context, c *raffclient.Client) ([]option, error) {
	count := map[string]int{}
	var prefixes []string
	all, err := optionsFrom(c.APIKeys(ctx), func(k raffclient.APIKey) option {
		count[k.Name]++
		prefixes = append(prefixes, k.KeyPrefix)
		return option{k.Name, k.ID}
	})
	for i, o := range all {
		if count[o.text] > 1 && raffclient.IsKeyPrefix(prefixes[i]) {
			all[i].text += " (" + prefixes[i] + ")"
		}
	}
	return all, err
}

func emailAddresses(ctx context.Context, c *raffclient.Client) ([]option, error) {
	return optionsFrom(c.Members(ctx, ""), func(m raffclient.Member) option { return option{text: m.Email} })
}

func projectNames(ctx context.Context, c *raffclient.Client) ([]option, error) {
	return optionsFrom(c.Projects(ctx), func(p raffclient.Project) option { return option{p.Name, p.ID} })
}

func roleNames(ctx context.Context, c *raffclient.Client) ([]option, error) {
	return optionsFrom(c.Roles(ctx, ""), func(r raffclient.Role) option { return option{r.Name, r.ID} })
}

func optionsFrom[T any](items iter.Seq2[T, error], of func(T) option) (all []option, _ error) {
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, of(item))
	}
	return all, nil
}
