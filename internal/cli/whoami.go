package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

func newWhoamiCommand(p *program) *cobra.Command {
	cmd := p.newCommand("whoami", "Show which key is in use, and what it may do", rejectArguments, p.whoami)
	cmd.Long = "Show the API, the key in use and where it comes from, its account, role and expiry, and\nwhich tools lack a permission. With --json, print the result of the tool whoami."
	cmd.Annotations = map[string]string{jsonAnnotation: ""}
	return cmd
}

// whoami calls the tool of that name, as call does, and prints its result for a person.
func (p *program) whoami(cmd *cobra.Command, _ []string) error {
	s, err := p.newSession(cmd)
	if err != nil {
		return err
	}
	tool, err := s.offeredTool("whoami")
	if err != nil {
		return err
	}
	if s.cfg.Sources["log-level"] == "" {
		// Which key was read is among what is printed.
		s.tools.Logger = newLogger(p.stderr, slog.LevelWarn, s.cfg.LogFormat, s.cfg.LogColor)
	}
	switch err := s.loadKey(cmd.Context()); {
	case errors.Is(err, context.Canceled):
		return message("whoami: interrupted while the key was being read. Nothing was sent.")
	case err != nil:
		return usageError{err}
	}
	c := &client{tool: tool, stdout: p.stdout, stderr: p.stderr}
	if !p.json {
		c.print = func(w io.Writer, result json.RawMessage) error { return printAccess(w, apiName(s.cfg), result) }
	}
	if err := p.serveCall(cmd.Context(), s, c, json.RawMessage("{}")); err != nil {
		return err
	}
	return c.err
}

// ownAccess is the result of the tool whoami.
type ownAccess struct {
	Sandbox       bool
	KeySource     string `json:"key_source"`
	KeyPrefix     string `json:"key_prefix"`
	Name          string
	AccountID     string `json:"account_id"`
	RoleName      string `json:"role_name"`
	RateLimitTier string `json:"rate_limit_tier"`
	APIKeyID      string `json:"api_key_id"`
	ExpiresAt     string `json:"expires_at"`
	DaysLeft      *int   `json:"days_left"`
	Missing       []struct {
		Permission string
		Tools      []string
	} `json:"missing_permissions"`
	Projects []struct {
		ProjectID   string   `json:"project_id"`
		ProjectName string   `json:"project_name"`
		RoleName    string   `json:"role_name"`
		Missing     []string `json:"missing_permissions"`
	}
	Unknown []string
}

// printAccess prints the result of whoami as lines of a name and a value.
func printAccess(out io.Writer, api string, result json.RawMessage) error {
	var a ownAccess
	if err := json.Unmarshal(result, &a); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	line := func(label, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s:\t%s\n", label, printable.String(value))
		}
	}
	if a.Sandbox {
		api = "a simulated account in memory (--sandbox)"
	}
	line("API", api)
	line("Key", strings.TrimSpace(a.KeyPrefix+" "+a.Name))
	line("From", a.KeySource)
	line("Account", a.AccountID)
	line("Role", a.role())
	line("Expires", a.expiry())
	line("Rate limit", a.RateLimitTier)
	for _, project := range a.Projects {
		text := project.ProjectName + " (" + project.ProjectID + "): " + project.RoleName
		if len(project.Missing) > 0 {
			text += ", lacks " + strings.Join(project.Missing, ", ")
		}
		line("Project", text)
	}
	for _, m := range a.Missing {
		line("Missing", m.Permission+" (for "+strings.Join(m.Tools, ", ")+")")
	}
	for _, text := range a.Unknown {
		line("Unknown", text)
	}
	return w.Flush()
}

func (a ownAccess) role() string {
	if a.RoleName == "" && a.APIKeyID != "" {
		return "none in the account"
	}
	return a.RoleName
}

func (a ownAccess) expiry() string {
	switch {
	case a.DaysLeft != nil:
		return a.ExpiresAt + " (" + daysLeft(*a.DaysLeft) + ")"
	case a.ExpiresAt == "" && a.APIKeyID != "":
		return "never"
	}
	return a.ExpiresAt
}
