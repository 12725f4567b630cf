package clients

import (
	"slices"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/lazyregexp"
)

// all passes every variable on.
func all(string, string) bool { return true }

// sdkDefaults are the variables that StdioClientTransport of the TypeScript SDK for MCP
// passes on besides those of the entry (getDefaultEnvironment in client/stdio.ts of
// 2026-08-18).
func sdkDefaults(goos, name string) bool {
	if goos == windows {
		return slices.Contains([]string{
			"APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PROCESSOR_ARCHITECTURE",
			"SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE", "PROGRAMFILES",
		}, name)
	}
	return slices.Contains([]string{"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"}, name)
}

// codexDefaults are the variables that Codex passes on besides env and env_vars of the
// entry: DEFAULT_ENV_VARS in codex-rs/rmcp-client/src/utils.rs, and on Windows those of the
// core list in its shell_environment.rs.
func codexDefaults(goos, name string) bool {
	if goos == windows {
		return slices.Contains([]string{
			"PATH", "PATHEXT", "SHELL", "COMSPEC", "SYSTEMROOT", "SYSTEMDRIVE", "USERNAME", "USERDOMAIN", "USERPROFILE",
			"HOMEDRIVE", "HOMEPATH", "PROGRAMFILES", "PROGRAMFILES(X86)", "PROGRAMW6432", "PROGRAMDATA",
			"LOCALAPPDATA", "APPDATA", "TEMP", "TMP", "TMPDIR", "POWERSHELL", "PWSH",
		}, name)
	}
	return slices.Contains([]string{
		"HOME", "LOGNAME", "PATH", "SHELL", "USER", "__CF_USER_TEXT_ENCODING", "LANG", "LC_ALL", "TERM", "TMPDIR", "TZ",
	}, name)
}

// geminiWithheld matches the names of variables that Gemini CLI does not pass on unless the
// entry names them (NEVER_ALLOWED_NAME_PATTERNS in its bundle 0.61.0).
var geminiWithheld = lazyregexp.New(`(?i)TOKEN|SECRET|PASSWORD|PASSWD|KEY|AUTH|CREDENTIAL|CREDS|PRIVATE|CERT`)

func geminiDefaults(_, name string) bool {
	return strings.HasPrefix(name, "GEMINI_CLI_") || strings.HasPrefix(name, "GIT_CONFIG_") || !geminiWithheld.MatchString(name)
}
