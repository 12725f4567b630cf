package clients

import (
	"os"
	"strings"

	"github.com/rafftechnologies/raff-mcp/internal/clients/confedit"
)

// The facts in this file were measured on 2026-11-28 on Linux by letting each program start
// a server that recorded its arguments, environment and working directory, except where a
// comment names another source.

// claudeCode, measured with 2.1.197: servers inherit every variable, and get CLAUDECODE,
// CLAUDE_PROJECT_DIR and a few others besides. ${NAME} without a value stays as it is, and
// "claude mcp list" warns. "claude mcp add" is not used: it puts the values of variables
// into its own arguments, and refuses what it cannot parse, as this package does.
func claudeCode() *Client {
	section := []string{"mcpServers"}
	return &Client{
		Name: "claude-code", Title: "Claude Code", Scopes: []Scope{User, Project},
		Next:          "Start a new session.",
		NextInProject: "Start a new session there, and approve the server.",
		programs:      []string{"claude"},
		folders:       func(d dirs) []string { return []string{d.join(d.home, ".claude")} },
		locations: func(d dirs) []location {
			user := d.join(d.variable("CLAUDE_CONFIG_DIR", d.home), ".claude.json")
			return []location{
				{scope: Local, path: user, section: []string{"projects", d.env.Dir, "mcpServers"}, use: never},
				{scope: Project, path: d.project(".mcp.json"), section: section},
				{scope: User, path: user, section: section},
			}
		},
		format: dotMCP(),
		rules:  rules{inherits: all, placeholders: shellPlaceholders, dir: inDir},
	}
}

// dotMCP is the format of .mcp.json, which Claude Code and Copilot CLI share.
func dotMCP() format {
	return format{syntax: confedit.JSON(), before: confedit.Object{{Name: "type", Value: "stdio"}}, env: "env"}
}

// claudeDesktop is not on npm. It uses the TypeScript SDK, expands nothing, and runs
// servers in / on macOS (anthropics/claude-code issues 1254 and 90074,
// andycufari/ClaudePoint pull request 1). Of the working directory on other systems nothing
// is known; raff-mcp does not depend on it.
func claudeDesktop() *Client {
	return &Client{
		Name: "claude-desktop", Title: "Claude Desktop", Scopes: []Scope{User},
		Next:    "Quit Claude Desktop and start it again.",
		folders: func(d dirs) []string { return []string{claudeDesktopDir(d)} },
		locations: func(d dirs) []location {
			return []location{{scope: User, path: d.join(claudeDesktopDir(d), "claude_desktop_config.json"), section: []string{"mcpServers"}}}
		},
		format: format{syntax: confedit.JSON(), env: "env"},
		rules:  rules{inherits: sdkDefaults, dir: inRoot},
	}
}

// claudeDesktopDir returns Claude Desktop's directory. On Windows, its installer makes a
// package since February 2026, for which the system keeps the directory elsewhere: files in
// the usual place are invisible to it (anthropics/claude-code issue 26073).
func claudeDesktopDir(d dirs) string {
	usual := d.join(d.apps, "Claude")
	if d.env.GOOS != windows {
		return usual
	}
	packages := d.join(d.variable("LOCALAPPDATA", d.join(d.home, "AppData", "Local")), "Packages")
	list, _ := os.ReadDir(packages) // without a list there is no package
	for _, entry := range list {
		roaming := d.join(packages, entry.Name(), "LocalCache", "Roaming")
		if strings.HasPrefix(entry.Name(), "Claude_") && isDir(roaming) {
			return d.join(roaming, "Claude")
		}
	}
	return usual
}

// cursor is not on npm. Its documentation (cursor.com/docs/mcp) lists the placeholders.
// What servers inherit depends on the version, so that the least is assumed: the list of
// the TypeScript SDK.
func cursor() *Client {
	section := []string{"mcpServers"}
	return &Client{
		Name: "cursor", Title: "Cursor", Scopes: []Scope{User, Project},
		Next:     "Enable the server in Cursor's settings, under MCP, if it is not.",
		programs: []string{"cursor"},
		folders:  func(d dirs) []string { return []string{d.join(d.home, ".cursor"), d.join(d.apps, "Cursor")} },
		locations: func(d dirs) []location {
			return []location{
				{scope: Project, path: d.project(".cursor", "mcp.json"), section: section},
				{scope: User, path: d.join(d.home, ".cursor", "mcp.json"), section: section},
			}
		},
		format: format{syntax: confedit.JSONC(), env: "env"},
		rules:  rules{inherits: sdkDefaults, placeholders: editorPlaceholders, unsetVariable: removes, dir: inProject},
	}
}

// vscode is not on npm. Its source (microsoft/vscode, extHostMcpNode.ts, 0334cc0) says that
// servers inherit every variable, that PATH in env is appended to the inherited one, that ~
// is expanded in command, args and cwd, and that servers of the user's profile run in the
// home directory.
func vscode() *Client {
	section := []string{"servers"}
	return &Client{
		Name: "vscode", Title: "VS Code", Scopes: []Scope{User, Project},
		Next:     `Run "MCP: List Servers" in the Command Palette, and start the server.`,
		programs: []string{"code"},
		folders:  func(d dirs) []string { return []string{d.join(d.apps, "Code")} },
		locations: func(d dirs) []location {
			return []location{
				{scope: Project, path: d.project(".vscode", "mcp.json"), section: section},
				{scope: User, path: d.join(d.apps, "Code", "User", "mcp.json"), section: section},
			}
		},
		format: format{syntax: confedit.JSONC(), before: confedit.Object{{Name: "type", Value: "stdio"}}, env: "env"},
		rules: rules{inherits: all, placeholders: editorPlaceholders, unsetVariable: removes, appendsPath: true, tilde: true,
			dir: inProject},
	}
}

// codex, measured with 0.171.0: servers inherit a short list of variables, those that
// env_vars names and those of env. Nothing is expanded. "codex mcp add" is not used: it
// loses comments on the lines of other servers, and cannot write env_vars.
func codex() *Client {
	section := []string{"mcp_servers"}
	return &Client{
		Name: "codex", Title: "Codex", Scopes: []Scope{User, Project},
		Next:          "Start a new session.",
		NextInProject: "Start a new session there; Codex reads the file only in a directory that it trusts.",
		programs:      []string{"codex"},
		folders:       func(d dirs) []string { return []string{d.join(d.home, ".codex")} },
		locations: func(d dirs) []location {
			return []location{
				{scope: Project, path: d.project(".codex", "config.toml"), section: section},
				{scope: User, path: d.join(d.variable("CODEX_HOME", d.join(d.home, ".codex")), "config.toml"), section: section},
			}
		},
		format: format{syntax: confedit.TOML(), env: "env", passOn: "env_vars"},
		rules:  rules{inherits: codexDefaults, dir: inDir},
	}
}

// gemini, measured with 0.61.0: servers do not inherit variables whose names look like
// those of secrets unless env names them. ${NAME} without a value stays as it is in args
// and becomes "" in env. In a directory that is not trusted, no server starts. "gemini mcp
// add" is not used: it refuses a file with a trailing comma.
func gemini() *Client {
	section := []string{"mcpServers"}
	return &Client{
		Name: "gemini", Title: "Gemini CLI", Scopes: []Scope{User, Project},
		Next:     "Start a new session, in a directory that Gemini CLI trusts.",
		programs: []string{"gemini"},
		folders:  func(d dirs) []string { return []string{d.join(d.home, ".gemini")} },
		locations: func(d dirs) []location {
			home := d.variable("GEMINI_CLI_HOME", d.home)
			return []location{
				{scope: Project, path: d.project(".gemini", "settings.json"), section: section},
				{scope: User, path: d.join(home, ".gemini", "settings.json"), section: section},
			}
		},
		format: format{syntax: confedit.JSONC(), env: "env"},
		rules:  rules{inherits: geminiDefaults, placeholders: bareShellPlaceholders, unsetVariable: removes, dir: inDir},
	}
}

// copilot, measured with 1.0.102: servers inherit every variable except some of Copilot's
// own. A value in env that is the name of a variable is replaced by that one's value. A
// placeholder without a value stays as it is. "copilot mcp add" is not used: it strips
// every comment of the file. In a project that it trusts, it reads .mcp.json or, if there
// is none, .github/mcp.json. Entries of Claude Code work there, but its own do not work in
// Claude Code, which rejects the type "local".
func copilot() *Client {
	section, shared := []string{"mcpServers"}, dotMCP()
	return &Client{
		Name: "copilot", Title: "Copilot CLI", Scopes: []Scope{User, Project},
		Next:          "Start a new session.",
		NextInProject: "Start a new session there; Copilot CLI reads the file only in a directory that it trusts.",
		programs:      []string{"copilot"},
		folders:       func(d dirs) []string { return []string{d.join(d.home, ".copilot")} },
		locations: func(d dirs) []location {
			return []location{
				{scope: Project, path: d.project(".mcp.json"), section: section, format: &shared},
				{scope: Project, path: d.project(".github", "mcp.json"), section: section, use: ifExists, format: &shared},
				{scope: User, path: d.join(d.variable("COPILOT_HOME", d.join(d.home, ".copilot")), "mcp-config.json"), section: section},
			}
		},
		format: format{syntax: confedit.JSONC(), env: "env",
			before: confedit.Object{{Name: "type", Value: "local"}},
			after:  confedit.Object{{Name: "tools", Value: []string{"*"}}}},
		rules: rules{inherits: all, placeholders: bareShellPlaceholders, nameAsValue: true, dir: inDir},
	}
}

// windsurf is not on npm. Its documentation (docs.windsurf.com) says that it expands
// ${env:NAME} in command, args and env. What servers inherit is not documented, so that the
// least is assumed: the list of the TypeScript SDK. Some versions keep the file one
// directory higher.
func windsurf() *Client {
	section := []string{"mcpServers"}
	return &Client{
		Name: "windsurf", Title: "Windsurf", Scopes: []Scope{User},
		Next:     "Press the refresh button in Windsurf's MCP settings.",
		programs: []string{"windsurf"},
		folders:  func(d dirs) []string { return []string{d.join(d.home, ".codeium"), d.join(d.apps, "Windsurf")} },
		locations: func(d dirs) []location {
			return []location{
				{scope: User, path: d.join(d.home, ".codeium", "windsurf", "mcp_config.json"), section: section},
				{scope: User, path: d.join(d.home, ".codeium", "mcp_config.json"), section: section, use: ifExists},
			}
		},
		format: format{syntax: confedit.JSON(), env: "env"},
		rules:  rules{inherits: sdkDefaults, placeholders: editorPlaceholders, unsetVariable: removes, dir: inHome},
	}
}

// zed is not on npm. Its source (zed-industries/zed, crates/context_server and
// crates/project/src/context_server_store.rs, 0040008) says that servers inherit every
// variable, that nothing is expanded, and that they run in the project's directory.
func zed() *Client {
	section := []string{"context_servers"}
	return &Client{
		Name: "zed", Title: "Zed", Scopes: []Scope{User, Project},
		Next:          "Zed starts the server at once; see the Agent Panel's settings.",
		NextInProject: "Open the project in Zed, and trust it when asked.",
		programs:      []string{"zed", "zeditor"},
		folders:       func(d dirs) []string { return []string{zedDir(d)} },
		locations: func(d dirs) []location {
			return []location{
				{scope: Project, path: d.project(".zed", "settings.json"), section: section},
				{scope: User, path: d.join(zedDir(d), "settings.json"), section: section},
			}
		},
		format: format{syntax: confedit.JSONC(), env: "env"},
		rules:  rules{inherits: all, dir: inDir},
	}
}

// zedDir returns Zed's directory, which on macOS is not where other applications have
// theirs.
func zedDir(d dirs) string {
	if d.env.GOOS == windows {
		return d.join(d.apps, "Zed")
	}
	return d.join(d.xdg, "zed")
}

// opencode, measured with 1.18.33: servers inherit every variable. {env:NAME} without a
// value becomes "". "opencode mcp add" is not used: it moves or drops comments.
func opencode() *Client {
	section := []string{"mcp"}
	return &Client{
		Name: "opencode", Title: "opencode", Scopes: []Scope{User, Project},
		Next:     "Start a new session.",
		programs: []string{"opencode"},
		folders:  func(d dirs) []string { return []string{d.join(d.xdg, "opencode")} },
		locations: func(d dirs) []location {
			return []location{
				{scope: Project, path: d.project("opencode.jsonc"), section: section, use: ifExists},
				{scope: Project, path: d.project("opencode.json"), section: section},
				{scope: User, path: d.join(d.xdg, "opencode", "opencode.jsonc"), section: section, use: ifExists},
				{scope: User, path: d.join(d.xdg, "opencode", "opencode.json"), section: section},
				{scope: User, path: d.join(d.xdg, "opencode", "config.json"), section: section, use: never},
			}
		},
		format: format{syntax: confedit.JSONC(), env: "environment", list: true,
			before: confedit.Object{{Name: "type", Value: "local"}},
			after:  confedit.Object{{Name: "enabled", Value: true}}},
		rules: rules{inherits: all, placeholders: opencodePlaceholders, unsetVariable: removes, dir: inDir},
	}
}

func inDir(d dirs, _ Scope) string  { return d.env.Dir }
func inHome(d dirs, _ Scope) string { return d.home }

// inProject is for editors that run the servers of the user in the home directory.
func inProject(d dirs, s Scope) string {
	if s == Project {
		return d.env.Dir
	}
	return d.home
}

func inRoot(d dirs, _ Scope) string {
	if d.env.GOOS == windows {
		return d.home
	}
	return "/"
}
