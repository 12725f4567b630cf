package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rafftechnologies/raff-mcp/internal/config"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// runWithInput runs the program in this process, with text on standard input.
func runWithInput(env config.Environment, text string, args ...string) (code int, stdout, stderr string) {
	var out, log bytes.Buffer
	code = run(context.Background(), nil, args, env, strings.NewReader(text), &out, &log)
	return code, out.String(), log.String()
}

// storedKeys returns the contents of the files of stored keys below the home directory.
func storedKeys(t *testing.T, env config.Environment) (texts []string) {
	t.Helper()
	home, _ := env.Home()
	files, err := filepath.Glob(filepath.Join(home, ".raff", "keys", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, strings.TrimSpace(string(text)))
	}
	return texts
}

// login verifies a key with the API, and only then replaces the one that is stored. No
// output contains a key.
func TestLogin(t *testing.T) {
	t.Parallel()
	first, second := sandbox.New(), sandbox.New()
	api := first
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { api.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	vars := map[string]string{"RAFF_API_URL": server.URL}
	env := fakeEnvironment(t, vars)
	firstKey, secondKey := first.OwnerKey().Reveal(), second.OwnerKey().Reveal()
	for _, step := range []struct {
		api   *sandbox.API
		key   string
		code  int
		want  []string
		saved string
	}{
		{first, secondKey, exitError, []string{"raff-mcp: login: Raff rejected the key: it is mistyped, expired, inactive or revoked. Nothing was stored;"}, ""},
		{first, firstKey, exitOK, []string{`Raff accepts the key "Owner". It belongs to the account ` + sandbox.AccountID + ". Its role is Owner. It never expires.\nIt is stored in ", ", for " + server.URL + ".\n", "the key is in a file, because there is no keychain"}, firstKey},
		{first, secondKey, exitError, []string{"Raff rejected the key"}, firstKey},
		{second, "\ufeff " + secondKey + " \r\n", exitOK, []string{"It replaces the key that was stored there before."}, secondKey},
	} {
		api = step.api
		code, stdout, stderr := runWithInput(env, step.key, "login")
		if code != step.code {
			t.Errorf("got exit code %d, want %d: %s", code, step.code, stderr)
		}
		for _, want := range step.want {
			if !strings.Contains(stdout+stderr, want) {
				t.Errorf("got %q and %q, want %q", stdout, stderr, want)
			}
		}
		for _, key := range []string{firstKey, secondKey} {
			if strings.Contains(stdout+stderr, key[:16]) {
				t.Errorf("it shows a key: %q and %q", stdout, stderr)
			}
		}
		var saved []string
		if step.saved != "" {
			saved = []string{step.saved}
		}
		if got := storedKeys(t, env); !slices.Equal(got, saved) {
			t.Errorf("%d keys are stored, or others than wanted", len(got))
		}
	}

	vars["RAFF_API_KEY_FILE"] = "/x"
	if code, _, stderr := runWithInput(env, secondKey, "login"); code != exitOK || !strings.Contains(stderr, "RAFF_API_KEY_FILE is set, and wins over the stored key.") {
		t.Errorf("got exit code %d, %q", code, stderr)
	}
	code, stdout, _ := runWithInput(env, "", "logout")
	if code != exitOK || len(storedKeys(t, env)) > 0 || !strings.Contains(stdout, "Removed the key for "+server.URL+" from ") ||
		!strings.Contains(stdout, "The key itself remains valid") || !strings.Contains(stdout, "RAFF_API_KEY_FILE is set, so the server still has a key.") {
		t.Errorf("got exit code %d, %q", code, stdout)
	}
}

// A response that only a valid key gets proves that the key is one, and no other does.
func TestLoginJudgesResponses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		body   string
		stored bool
		want   string
	}{
		{"not permitted", 403, `{"error":"Forbidden","message":"no ` + planted + `"}`, true, "Raff accepts the key. It may not list keys, so its role and expiry are unknown."},
		{"billing", 402, `{"error":"Payment Required"}`, true, "refuses requests because of the account's billing"},
		{"no keys", 200, `{"success":true,"data":[],"pagination":{"total":0,"limit":100,"offset":0}}`, true, "lists no key with its prefix"},
		{"rejected", 401, `{"error":"Unauthorized","message":"no ` + planted + `"}`, false, "Raff rejected the key"},
		{"no API", 404, `<html>`, false, "login: the key could not be verified at http://127.0.0.1"},
		{"redirect", 302, ``, false, "the key could not be verified at"},
		{"a web page", 200, `<html>` + planted, false, "the key could not be verified at"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "https://evil.example/")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			t.Cleanup(server.Close)
			env := fakeEnvironment(t, map[string]string{"RAFF_API_URL": server.URL})
			code, stdout, stderr := runWithInput(env, planted, "login")
			if (code == exitOK) != tt.stored || !strings.Contains(stdout+stderr, tt.want) || (len(storedKeys(t, env)) == 1) != tt.stored {
				t.Errorf("got exit code %d, %q and %q", code, stdout, stderr)
			}
			if !tt.stored && !strings.Contains(stderr, "Nothing was stored") {
				t.Errorf("got %q", stderr)
			}
			if strings.Contains(stdout+stderr, planted[:14]) {
				t.Errorf("it shows the key: %q and %q", stdout, stderr)
			}
		})
	}
}

// whoami shows the API, the source of the key and what its permissions do not cover, each on
// one printable line.
func TestWhoami(t *testing.T) {
	t.Parallel()
	api := sandbox.New()
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	env := fakeEnvironment(t, map[string]string{"RAFF_API_URL": server.URL, "RAFF_API_KEY": api.OwnerKey().Reveal()})
	code, stdout, stderr := runProgram(env, "whoami")
	for _, want := range []string{"API:         " + server.URL + "\n", "From:        RAFF_API_KEY\n", "Account:     " + sandbox.AccountID + "\n", "Expires:     never\n"} {
		if code != exitOK || !strings.Contains(stdout, want) || stderr != "" {
			t.Errorf("got exit code %d, %q and %q, want %q", code, stdout, stderr, want)
		}
	}

	env = fakeEnvironment(t, map[string]string{"RAFF_API_URL": server.URL, "RAFF_API_KEY": planted})
	if code, stdout, _ := runProgram(env, "whoami", "--log-level=error"); code != exitOK || !strings.Contains(stdout, "Unknown:") || !strings.Contains(stdout, "rejected") || strings.Contains(stdout, planted[:14]) {
		t.Errorf("a rejected key: got exit code %d, %q", code, stdout)
	}
}

func TestPrintAccess(t *testing.T) {
	t.Parallel()
	const result = `{"key_prefix":"raff_01234567","name":"a\u001b[2Jb\nc","api_key_id":"1","expires_at":"2027-03-01T00:00:00Z","days_left":1,
"missing_permissions":[{"permission":"p","tools":["t","u"]}],"projects":[{"project_id":"2","project_name":"Web","role_name":"Viewer","missing_permissions":["q"]}],"unknown":["What."]}`
	const want = `API:      https://a.example
Key:      raff_01234567 a␛[2Jb␊c
Role:     none in the account
Expires:  2027-03-01T00:00:00Z (1 day left)
Project:  Web (2): Viewer, lacks q
Missing:  p (for t, u)
Unknown:  What.
`
	var out bytes.Buffer
	if err := printAccess(&out, "https://a.example", []byte(result)); err != nil || out.String() != want {
		t.Errorf("got %q, %v, want %q", out.String(), err, want)
	}
	if err := printAccess(&out, "", []byte("[]")); err == nil {
		t.Error("got no error for another result")
	}
}
