package cli

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/mcptest"
	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox/faulty"
)

// printFile is a separate program that prints a file: a command for RAFF_API_KEY_COMMAND. What
// it prints on standard error must not show.
func printFile() {
	text, err := os.ReadFile(os.Args[1])
	_, _ = os.Stderr.WriteString("planted " + newSecret)
	if err != nil {
		os.Exit(4)
	}
	_, _ = os.Stdout.Write(text)
	os.Exit(0)
}

// A keyServer is the program as a client runs it, beside an API whose owner's key changes.
type keyServer struct {
	*mcptest.Client
	t    *testing.T
	api  *faulty.API
	log  *bytes.Buffer
	n    int
	keys []raffclient.Secret // that the owner has had
	all  strings.Builder     // all responses
}

// startKeyServer starts the program with that home directory and environment.
func startKeyServer(t *testing.T, home string, env ...string) *keyServer {
	t.Helper()
	s := &keyServer{t: t, api: faulty.Wrap(sandbox.New()), log: &bytes.Buffer{}}
	s.keys = []raffclient.Secret{s.api.OwnerKey()}
	s.api.Record(true)
	api := httptest.NewServer(s.api)
	t.Cleanup(api.Close)
	cmd := exec.CommandContext(t.Context(), "raff-mcp", "--log-level=debug")
	cmd.Env = append([]string{"HOME=" + home, "USERPROFILE=" + home, "PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"), "RAFF_API_URL=" + api.URL}, env...)
	cmd.Stderr = s.log
	s.Client = mcptest.Start(t, cmd)
	return s
}

// call calls a tool and checks that the response contains want, and whether it is an error.
func (s *keyServer) call(tool, arguments string, isError bool, want string) {
	s.t.Helper()
	s.n++
	got := s.Ask(mcptest.Call(string(rune('0'+s.n)), tool, arguments))
	s.all.WriteString(got)
	if strings.Contains(got, `"isError":true`) != isError || !strings.Contains(got, want) {
		s.t.Errorf("%s: got %s, want %q", tool, got, want)
	}
}

// rotate gives the owner's key a new secret. The former one is rejected from now on.
func (s *keyServer) rotate() raffclient.Secret {
	s.t.Helper()
	c, err := raffclient.New(raffclient.Config{APIKey: s.keys[len(s.keys)-1], Transport: s.api.API.Transport()})
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := c.GetAPIKey(s.t.Context(), sandbox.KeyID("owner"))
	if err != nil {
		s.t.Fatal(err)
	}
	renewed, err := c.RegenerateAPIKey(s.t.Context(), key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.keys = append(s.keys, renewed.Secret)
	return renewed.Secret
}

// end ends the program, and checks that no key of the owner was shown, and that each
// reading of the key was logged.
func (s *keyServer) end(readings int) {
	s.t.Helper()
	rest := s.End()
	shown := s.all.String() + strings.Join(rest, "") + s.log.String()
	for _, key := range append(s.keys, raffclient.NewSecret(newSecret)) {
		if strings.Contains(shown, key.Reveal()[raffclient.KeyPrefixLength:]) {
			s.t.Errorf("a key is shown: %s", shown)
		}
	}
	if got := strings.Count(s.log.String(), "read the server's API key"); got != readings {
		s.t.Errorf("%d readings of the key are in the log, want %d: %s", got, readings, s.log)
	}
}

// A key that is rotated works without a restart, and the call in which that is noticed
// does what it should, once.
func TestRotatedKeyNeedsNoRestart(t *testing.T) {
	t.Parallel()
	for _, variable := range []string{"RAFF_API_KEY_FILE", "RAFF_API_KEY_COMMAND", "profile"} {
		t.Run(variable, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			file, value, format := filepath.Join(home, "key"), "", "%\n"
			switch variable {
			case "RAFF_API_KEY_FILE":
				value = file
			case "RAFF_API_KEY_COMMAND":
				value = "print-file '" + file + "'"
			case "profile":
				file, format = filepath.Join(home, ".raff", "config.yaml"), "profiles: {default: {api-key: %}}"
			}
			put := func(key raffclient.Secret) {
				writePrivate(t, file, strings.Replace(format, "%", key.Reveal(), 1))
			}
			s := startKeyServer(t, home, variable+"="+value)

			// At first there is no key.
			s.call("list_roles", `{}`, true, map[string]string{
				"RAFF_API_KEY_FILE": "cannot be used: ", "RAFF_API_KEY_COMMAND": "failed (exit status 4)", "profile": "No Raff API key is configured",
			}[variable])
			put(s.keys[0])
			s.call("list_roles", `{}`, false, "Owner")
			s.call("list_roles", `{}`, false, "Owner") // with the key that was read

			// The old one is rejected before the new one is there.
			renewed := s.rotate()
			s.call("create_project", `{"name":"New"}`, true, "which was read again and still contains the same key: replace it there, then call again; the server needs no restart.")
			put(renewed)
			s.call("create_project", `{"name":"New"}`, false, "Created the project")

			var sent []int
			for _, r := range s.api.Requests() {
				if r.Method == "POST" && r.Path == "/api/v1/projects" {
					sent = append(sent, r.Status)
				}
			}
			if len(sent) != 3 || sent[0] != 401 || sent[1] != 401 || sent[2] != 201 {
				t.Errorf("the creation was sent with the results %v, want 401, 401, 201", sent)
			}
			s.end(3)
			if text := s.log.String(); strings.Contains(text, "restart the server") || !strings.Contains(text, "no usable API key") {
				t.Errorf("got %s", text)
			}
		})
	}
}

// Nothing but the environment and the profile is read at start: the command for the key does
// not run before a tool needs it.
func TestKeyIsNotReadAtStart(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := startKeyServer(t, home, "RAFF_API_KEY_COMMAND=print-file '"+filepath.Join(home, "key")+"'")
	if got := s.Ask(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); !strings.Contains(got, "create_api_key") {
		t.Errorf("got %s", got)
	}
	s.end(0)
	if text := s.log.String(); !strings.Contains(text, "key=RAFF_API_KEY_COMMAND ") || strings.Contains(text, "no usable") || len(s.api.Requests()) != 0 {
		t.Errorf("got %s", text)
	}
}
