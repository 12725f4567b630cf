package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rafftechnologies/raff-mcp/raffclient"
	"github.com/rafftechnologies/raff-mcp/raffclient/sandbox"
)

// Each way to break a set-up is a script with the clients' real files. $PROGRAM is this
// program, and $RAFF_API_URL an API that is served by the test. The scripts add these
// commands to those of other scripts:
//
//	doctor CODE ARGUMENTS...    runs raff-mcp doctor, which must exit with CODE, print no
//	                            key and send only requests that it announces
//	key FILE ROLE [HOURS]       writes a new key into a file: with the role of that slug,
//	                            and with an expiry
//	let VAR FILE                sets a variable to what a file contains
//	clock DURATION              sets the API's clock forward
//	unplug                      ends the API
//	expand FILE...              replaces the variables in files
func TestDoctor(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/doctor",
		Setup: func(e *testscript.Env) error {
			a := &apiServer{api: sandbox.New()}
			a.server = httptest.NewServer(a)
			e.Defer(a.server.Close)
			e.Values[apiKey{}] = a
			program, err := exec.LookPath("raff-mcp") // testscript puts it into PATH
			e.Setenv("PROGRAM", program)
			e.Setenv("RAFF_API_URL", a.server.URL)
			for _, name := range []string{"HOME", "USERPROFILE"} {
				e.Setenv(name, e.WorkDir+"/home")
			}
			e.Setenv("XDG_CONFIG_HOME", "")
			e.Setenv("APPDATA", e.WorkDir+"/home/AppData/Roaming")
			e.Cd = e.WorkDir
			if err == nil {
				err = os.MkdirAll(e.WorkDir+"/home", 0o700)
			}
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "doctor": runDoctor, "key": newKeyFile, "let": letFile, "clock": setClock, "unplug": unplug, "expand": expandFiles,
		},
	})
}

type apiKey struct{}

// An apiServer is an API that notes requests that doctor must not send.
type apiServer struct {
	api    *sandbox.API
	server *httptest.Server
	wrong  atomic.Pointer[string]
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != "GET" || r.URL.Path != "/api/v1/api-keys" && r.URL.Path != "/api/v1/roles" {
		a.wrong.Store(new(r.Method + " " + r.URL.Path))
	}
	a.api.ServeHTTP(w, r)
}

func apiOf(ts *testscript.TestScript) *apiServer { return ts.Value(apiKey{}).(*apiServer) }

// wholeKey matches more of a key than its prefix.
var wholeKey = regexp.MustCompile(`raff_[0-9a-f]{9}`)

func runDoctor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: doctor CODE ARGUMENTS...")
	}
	exits(ts, false, append([]string{args[0], "raff-mcp", "doctor"}, args[1:]...))
	for _, name := range []string{"stdout", "stderr"} {
		if wholeKey.MatchString(ts.ReadFile(name)) {
			ts.Fatalf("a key is in %s", name)
		}
	}
	if wrong := apiOf(ts).wrong.Load(); wrong != nil {
		ts.Fatalf("it sent %s", *wrong)
	}
}

func newKeyFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: key FILE ROLE [HOURS]")
	}
	s := apiOf(ts)
	req := raffclient.CreateAPIKeyRequest{Name: "MCP", RoleID: sandbox.RoleID(args[1])}
	if len(args) > 2 {
		d, err := time.ParseDuration(args[2] + "h")
		ts.Check(err)
		req.ExpiresAt = new(time.Now().Add(d))
	}
	c, err := raffclient.New(raffclient.Config{APIKey: s.api.OwnerKey(), Transport: s.api.Transport()})
	ts.Check(err)
	key, err := c.CreateAPIKey(context.Background(), req)
	ts.Check(err)
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o700))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(key.Secret.Reveal()), 0o600))
}

func letFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: let VAR FILE")
	}
	ts.Setenv(args[0], ts.ReadFile(args[1]))
}

func setClock(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clock DURATION")
	}
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	apiOf(ts).api.SetClock(func() time.Time { return time.Now().Add(d) })
}

func unplug(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: unplug")
	}
	apiOf(ts).server.Close()
}

func expandFiles(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: expand FILE...")
	}
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), func(name string) string {
			if name == "DOLLAR" {
				return "$"
			}
			return filepath.ToSlash(ts.Getenv(name))
		})
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o600))
	}
}
