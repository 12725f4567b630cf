package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rafftechnologies/raff-mcp/internal/config"
)

func newLogoutCommand(p *program) *cobra.Command {
	cmd := p.newCommand("logout", "Remove the key that login has stored", rejectArguments, p.logout)
	cmd.Long = "Remove the API key that raff-mcp login has stored for this API, from the system keychain\nand from its file. The key itself remains valid at Raff."
	return cmd
}

// logout removes the stored key. It is not an error if there is none.
func (p *program) logout(cmd *cobra.Command, _ []string) error {
	cfg, _, err := p.loadConfig(cmd)
	if err != nil {
		return err
	}
	where, err := config.ForgetKey(cmd.Context(), p.env, apiName(cfg))
	text := fmt.Sprintf("No key is stored for %s, so nothing was removed.", keyOwner(cfg))
	if len(where) > 0 {
		text = fmt.Sprintf("Removed the key for %s from %s.", keyOwner(cfg), strings.Join(where, " and "))
		if !cfg.Sandbox {
			text += "\nThe key itself remains valid: to disable it for good, revoke it in the Raff dashboard (API Keys)."
		}
	}
	if err != nil {
		if len(where) > 0 {
			fmt.Fprintln(p.stdout, text)
		}
		return message(fmt.Sprintf("logout: %v", err))
	}
	if name := config.KeyVariable(p.env); name != "" && !cfg.Sandbox {
		text += fmt.Sprintf("\n%s is set, so the server still has a key.", name)
	}
	_, err = fmt.Fprintln(p.stdout, text)
	return err
}
