package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// A Setting is something that can be configured. Flag, Env and ProfileKey are its names in
// these sources, or "" if a source does not support it. Flag is also its name in
// ~/.raff/mcp.yaml.
type Setting struct {
	Flag       string
	Env        string
	ProfileKey string   // in the vendor's profile
	Default    string   // "" for none
	Usage      string   // one line
	Values     []string // the values that are accepted, nil if there is no list
	IsList     bool     // several values may be given, separated by commas
	IsDir      bool     // the value is a directory
	IsFile     bool     // the value is a file
	IsBool     bool     // the flag needs no value

	allowPlaceholder bool                                // accept a value that looks like a placeholder
	set              func(c *Config, value string) error // nil if the value is read elsewhere
}

// Settings returns all settings in the order in which help lists them.
func Settings(choices Choices) []Setting {
	return []Setting{
		{Flag: "sandbox", IsBool: true,
			Usage: "use a simulated account in memory; needs no key and sends nothing", set: (*Config).setSandbox},
		{Env: "RAFF_API_KEY", ProfileKey: "api-key",
			Usage: "the API key; there is no flag for it, because others can read a process's arguments"},
		{Env: "RAFF_API_KEY_FILE",
			Usage: "path of a file that contains only the API key; ignored if RAFF_API_KEY is set"},
		{Env: "RAFF_API_KEY_COMMAND",
			Usage: "a command that prints the API key; no shell runs it; ignored if one of the others is set"},
		{Flag: "profile", Env: "RAFF_MCP_PROFILE",
			Usage: "which profile of ~/.raff/config.yaml to use; without it, the current one", set: (*Config).setProfile},
		{Flag: "api-url", Env: "RAFF_API_URL", ProfileKey: "api-url", Default: raffclient.DefaultBaseURL,
			Usage: "the API's address; http only on localhost", set: (*Config).setAPIURL},
		{Flag: "project-id", Env: "RAFF_PROJECT_ID", ProfileKey: "project-id",
			Usage: "ID of the project to send if the API requires one", set: (*Config).setProjectID},
		{Flag: "secrets", Env: "RAFF_MCP_SECRETS", Default: "inline", Values: deliveries,
			Usage: "new secrets: inline (result), file, keyring, command, destination", set: (*Config).setSecrets},
		{Flag: "secrets-dir", IsDir: true, Env: "RAFF_MCP_SECRETS_DIR", Default: "~/.raff/secrets",
			Usage: "for file: a private directory, with one file for each key", set: (*Config).setSecretsDir},
		{Flag: "secrets-format", Env: "RAFF_MCP_SECRETS_FORMAT", Default: "raw", Values: secretsFormats,
			Usage: "for file: raw (only the secret) or env (RAFF_API_KEY=…)", set: (*Config).setSecretsFormat},
		{Flag: "secrets-command", Env: "RAFF_MCP_SECRETS_COMMAND", allowPlaceholder: true,
			Usage: "for command: a command that reads each secret from its standard input; no shell runs it", set: (*Config).setSecretsCommand},
		{Flag: "read-only", Env: "RAFF_MCP_READ_ONLY", Default: "false", IsBool: true,
			Usage: "offer only tools that read", set: (*Config).setReadOnly},
		{Flag: "toolsets", Env: "RAFF_MCP_TOOLSETS", Default: strings.Join(choices.Toolsets, ","), Values: choices.Toolsets, IsList: true,
			Usage: "which tools to offer", set: choices.setToolsets},
		{Flag: "confirm", Env: "RAFF_MCP_CONFIRM", Default: choices.Confirm[0], Values: choices.Confirm,
			Usage: "ask before deleting or replacing: auto (if possible), always or never", set: choices.setConfirm},
		{Flag: "activity-log", IsFile: true, Env: "RAFF_MCP_ACTIVITY_LOG",
			Usage: "a file that gets one line of JSON for each change; raff-mcp activity prints it", set: (*Config).setActivityLog},
		{Flag: "log-level", Env: "RAFF_MCP_LOG_LEVEL", Default: "info", Values: logLevels,
			Usage: "minimum log level: debug, info, warn or error", set: (*Config).setLogLevel},
		{Flag: "log-format", Env: "RAFF_MCP_LOG_FORMAT", Default: "text", Values: logFormats,
			Usage: "format of the log on standard error: text or json", set: (*Config).setLogFormat},
		{Env: "NO_COLOR",
			Usage: "if set, the log has no color"},
	}
}

var (
	deliveries     = []string{"inline", "file", "keyring", "command", "destination"}
	secretsFormats = []string{"raw", "env"}
	logLevels      = []string{"debug", "info", "warn", "error"}
	logFormats     = []string{"text", "json"}
)

// AddFlags defines the flags of settings, with their defaults, in flags.
func AddFlags(flags *pflag.FlagSet, settings []Setting) {
	for _, s := range settings {
		switch {
		case s.Flag == "":
		case s.IsBool:
			flags.Bool(s.Flag, false, s.Usage)
		default:
			flags.String(s.Flag, s.Default, s.Usage)
		}
	}
}

func (c *Config) setAPIURL(value string) error {
	value = strings.TrimRight(value, "/")
	switch err := raffclient.ValidateBaseURL(value); {
	case err != nil:
		return err
	case strings.ContainsAny(value, "?#"): // also if nothing follows
		return message("the API's address must have no query and no fragment. Remove ? or # and what follows it.")
	case strings.HasSuffix(value, "/api/v1"):
		return message("the API's address must not end with /api/v1, which the program adds. Remove it.")
	}
	c.APIURL = value
	return nil
}

func (c *Config) setProfile(value string) error {
	if value == "" {
		return message("must be the name of a profile. Name one, or leave the setting out.")
	}
	c.Profile = value
	return nil
}

func (c *Config) setProjectID(value string) error {
	if !raffclient.IsUUID(value) {
		return message("not a UUID. Copy the project's ID from the Raff dashboard.")
	}
	c.ProjectID = value
	return nil
}

func (c *Config) setSandbox(value string) (err error) {
	c.Sandbox, err = parseBool(value)
	return err
}

func (c *Config) setReadOnly(value string) (err error) {
	c.ReadOnly, err = parseBool(value)
	return err
}

func parseBool(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, errors.New("must be true or false (1 and 0 are accepted)")
}

func (choices Choices) setConfirm(c *Config, value string) (err error) {
	c.Confirm, err = oneOf(value, choices.Confirm...)
	return err
}

func (choices Choices) setToolsets(c *Config, value string) error {
	c.Toolsets = nil
	for name := range strings.SplitSeq(value, ",") {
		name, err := oneOf(strings.TrimSpace(name), choices.Toolsets...)
		if err != nil {
			return err
		}
		c.Toolsets = append(c.Toolsets, name)
	}
	return nil
}

func (c *Config) setLogFormat(value string) (err error) {
	c.LogFormat, err = oneOf(value, logFormats...)
	return err
}

func (c *Config) setLogLevel(value string) error {
	name, err := oneOf(value, logLevels...)
	if err != nil {
		return err
	}
	return c.LogLevel.UnmarshalText([]byte(name))
}

// oneOf returns value in lower case if it is one of values.
func oneOf(value string, values ...string) (string, error) {
	value = strings.ToLower(value)
	if !slices.Contains(values, value) {
		return "", fmt.Errorf("must be one of: %s", strings.Join(values, ", "))
	}
	return value, nil
}
