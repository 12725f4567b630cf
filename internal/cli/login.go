package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/internal/printable"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// maxKeyInput limits what login reads from a file or a pipe.
const maxKeyInput = 64 << 10

const (
	loginRequestTimeout = 10 * time.Second
	loginCallTimeout    = 30 * time.Second
	// keychainNotice is how long the keychain may take before login says that it waits.
	keychainNotice = 2 * time.Second
)

func newLoginCommand(p *program) *cobra.Command {
	cmd := p.newCommand("login", "Store the server's own API key", rejectKeyArgument, p.login)
	cmd.Long = `Ask for an API key, verify it with the API, and store it in the system keychain or, if
there is none, in a file that only you can read. A key that is stored for that API
already is then replaced. Without a terminal, the key is read from standard input.

With --sandbox this is a trial with a simulated account.`
	cmd.Example = `  raff-mcp login
  op read op://Private/Raff/key | raff-mcp login
  raff-mcp login --sandbox`
	cmd.Flags().Bool("no-keychain", false, "store the key in a file below ~/.raff/keys, also if there is a keychain")
	return cmd
}

// rejectKeyArgument rejects all arguments, without repeating them.
func rejectKeyArgument(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return message("login: takes no arguments, because other users can read a process's arguments, and shells record them. " +
			"Run it without them, and enter the key when it asks; if an argument was a key, regenerate that key.")
	}
	return nil
}

// A login is one run of the command login.
type login struct {
	*program
	cfg     config.Config
	log     *slog.Logger
	sandbox *sandbox.API // nil for the API itself
}

func (p *program) login(cmd *cobra.Command, _ []string) error {
	ctx := cmd.Context()
	inFile, err := cmd.Flags().GetBool("no-keychain")
	if err != nil {
		return err
	}
	cfg, log, err := p.loadConfig(cmd)
	if err != nil {
		return err
	}
	l := login{program: p, cfg: cfg, log: log}
	if cfg.Sandbox {
		l.sandbox = sandbox.New()
	}
	key, err := l.ask(ctx)
	if err != nil {
		return err
	}
	facts, err := l.verify(ctx, key)
	if err != nil {
		return err
	}
	stored, err := l.store(ctx, key, inFile)
	if err != nil {
		return err
	}
	return l.report(facts, stored)
}

// loadConfig loads the configuration for a command that uses neither a key nor the tools.
func (p *program) loadConfig(cmd *cobra.Command) (config.Config, *slog.Logger, error) {
	cfg, err := config.Load(cmd.Flags(), p.env, choices())
	if err != nil {
		return config.Config{}, nil, usageError{err}
	}
	log := newLogger(p.stderr, cfg.LogLevel, cfg.LogFormat, cfg.LogColor)
	for _, w := range cfg.Warnings {
		log.Warn(w)
	}
	return cfg, log, nil
}

// ask returns the key that the user enters. In a sandbox, the empty one stands for that of
// the simulated account.
func (l login) ask(ctx context.Context) (raffclient.Secret, error) {
	text, err := l.read(ctx)
	switch {
	case errors.Is(err, context.Canceled):
		return raffclient.Secret{}, errLoginInterrupted
	case err != nil:
		return raffclient.Secret{}, message(fmt.Sprintf("login: the key could not be read: %v. Nothing was stored.", err))
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case text == "" && l.sandbox != nil:
		return l.sandbox.OwnerKey(), nil
	case text == "":
		return raffclient.Secret{}, message("login: no key was entered, so nothing was stored. Copy one from the Raff dashboard (API Keys), and try again.")
	}
	key, err := config.ParseKey(text, "what was entered")
	if err != nil {
		return raffclient.Secret{}, message(fmt.Sprintf("login: %v Nothing was stored.", err))
	}
	return key, nil
}

const errLoginInterrupted = message("login: interrupted. Nothing was stored.")

// read reads the key from the terminal, without showing it, or else from standard input.
func (l login) read(ctx context.Context) (string, error) {
	terminal, ok := l.stdin.(*os.File)
	if !ok || !l.env.StdinIsTerminal {
		text, err := readAll(ctx, io.LimitReader(l.stdin, maxKeyInput+1))
		if len(text) > maxKeyInput {
			return "", fmt.Errorf("it is longer than %d bytes", maxKeyInput)
		}
		return string(text), err
	}
	if l.sandbox != nil {
		fmt.Fprint(l.stderr, "This is a trial. Press Enter to use the simulated account's own key.\n")
	}
	fmt.Fprintf(l.stderr, "API key for %s (not shown): ", keyOwner(l.cfg))
	defer fmt.Fprintln(l.stderr) // the user's Enter was not shown either
	return readHidden(ctx, terminal)
}

// readHidden reads a line from a terminal, which meanwhile does not show what is typed. If
// ctx ends first, it leaves a goroutine that continues to read.
func readHidden(ctx context.Context, terminal *os.File) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	var text []byte
	done := make(chan error, 1)
	go func() {
		var err error
		text, err = term.ReadPassword(fd)
		done <- err
	}()
	select {
	case err := <-done:
		if errors.Is(err, io.EOF) { // Ctrl-Z on Windows; elsewhere package term ignores Ctrl-D
			err = nil
		}
		return string(text), err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// verify returns what the API says about the key, in sentences, or an error unless the API
// accepts the key.
func (l login) verify(ctx context.Context, key raffclient.Secret) (facts string, err error) {
	c := raffclient.Config{
		APIKey:         key,
		BaseURL:        l.cfg.APIURL,
		ProjectID:      l.cfg.ProjectID,
		UserAgent:      "raff-mcp/" + version,
		RequestTimeout: loginRequestTimeout,
		CallTimeout:    loginCallTimeout,
		Logger:         l.log,
	}
	if l.sandbox != nil {
		c.BaseURL, c.Transport = "", l.sandbox.Transport()
	}
	if l.cfg.Sources["log-level"] == "" {
		c.Logger = nil // the result says it all
	}
	client, err := raffclient.New(c)
	if err != nil {
		return "", usageError{err}
	}
	for k, err := range client.APIKeys(ctx) {
		switch {
		case err != nil:
			return l.judge(ctx, err)
		case client.IsOwn(k):
			return keyFacts(k), nil
		}
	}
	return "Raff accepts the key, and lists no key with its prefix, so its role and expiry are unknown.", nil
}

// judge returns what an error of the API says about the key. A key that may not list keys is
// nevertheless a key.
func (l login) judge(ctx context.Context, err error) (facts string, _ error) {
	switch {
	case ctx.Err() != nil:
		return "", errLoginInterrupted
	case errors.Is(err, raffclient.ErrBilling):
		return "Raff knows the key, but refuses requests because of the account's billing. Fix the billing in the Raff dashboard.", nil
	case errors.Is(err, raffclient.ErrForbidden):
		return "Raff accepts the key. It may not list keys, so its role and expiry are unknown.", nil
	case errors.Is(err, raffclient.ErrUnauthorized) && l.sandbox != nil:
		return "", message("login: the simulated account knows no such key. Nothing was stored; press Enter to use its own.")
	case errors.Is(err, raffclient.ErrUnauthorized):
		return "", message("login: Raff rejected the key: it is mistyped, expired, inactive or revoked. Nothing was stored; copy the whole key, or create one in the Raff dashboard (API Keys).")
	}
	return "", message(fmt.Sprintf("login: the key could not be verified at %s: %s. Nothing was stored; check the network, the proxy and the API's address (--api-url or RAFF_API_URL), then try again.", apiName(l.cfg), printable.String(err.Error())))
}

// keyFacts describes a key.
func keyFacts(k raffclient.APIKey) string {
	text := "Raff accepts the key"
	if k.Name != "" {
		text += fmt.Sprintf(" %q", printable.String(k.Name))
	}
	text += "."
	if k.AccountID != "" {
		text += " It belongs to the account " + printable.String(k.AccountID) + "."
	}
	if k.RoleName != "" {
		text += " Its role is " + printable.String(k.RoleName) + "."
	}
	at, ok := k.ExpiresAt.Time()
	switch {
	case k.ExpiresAt == "":
		text += " It never expires."
	case ok:
		text += fmt.Sprintf(" It expires on %s (%s).", at.Format(time.DateOnly), daysLeft(int(time.Until(at)/(24*time.Hour))))
	}
	return text
}

func daysLeft(days int) string {
	if days == 1 {
		return "1 day left"
	}
	return fmt.Sprintf("%d days left", days)
}

// store stores the key. If that takes long, it says what it waits for.
func (l login) store(ctx context.Context, key raffclient.Secret, inFile bool) (config.StoredKey, error) {
	notice := time.AfterFunc(keychainNotice, func() {
		fmt.Fprintln(l.stderr, "Waiting for the system keychain, which may ask you to unlock it …")
	})
	defer notice.Stop()
	stored, err := config.StoreKey(ctx, l.env, apiName(l.cfg), key, inFile)
	switch {
	case err != nil && ctx.Err() != nil:
		return stored, message("login: interrupted while the key was being stored. Run it again, because it is unknown which key is stored now.")
	case err != nil:
		return stored, message(fmt.Sprintf("login: %v", err))
	}
	return stored, nil
}

// keyOwner returns what a key is for, for messages.
func keyOwner(cfg config.Config) string {
	if cfg.Sandbox {
		return "the simulated account"
	}
	return apiName(cfg)
}

// report says what was stored, and what prevents the key from being used.
func (l login) report(facts string, stored config.StoredKey) error {
	text := facts + "\n"
	if stored.Where == config.InKeychain {
		text += fmt.Sprintf("It is stored in the system keychain, for %s.", keyOwner(l.cfg))
	} else {
		text += fmt.Sprintf("It is stored in %s, which only you can read, for %s.", stored.Where, keyOwner(l.cfg))
	}
	if stored.Replaced {
		text += " It replaces the key that was stored there before."
	}
	if l.sandbox != nil {
		text += "\nThat was a trial: the key grants no access to Raff. Remove it with raff-mcp logout --sandbox."
	}
	_, err := fmt.Fprintln(l.stdout, text)
	if stored.NoKeychain != nil {
		fmt.Fprintf(l.stderr, "raff-mcp: the key is in a file, because %v.\n", stored.NoKeychain)
	}
	if stored.Leftover != nil {
		fmt.Fprintf(l.stderr, "raff-mcp: the old key is still in the system keychain: %v. Remove it there: service raff-mcp, account %s.\n", stored.Leftover, apiName(l.cfg))
	}
	if name := config.KeyVariable(l.env); name != "" && l.sandbox == nil {
		fmt.Fprintf(l.stderr, "raff-mcp: %s is set, and wins over the stored key. Unset it, also in the MCP client's configuration, to use the stored key.\n", name)
	}
	return err
}
