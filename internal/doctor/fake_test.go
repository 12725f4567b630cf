package doctor_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rafftechnologies/raff-mcp/internal/doctor"
)

// planted is a key that must not appear in any result.
const planted = "raff_5ec2e7c0ffee0123456789abcdef5ec2"

// version is that of the program for which the fake server passes.
const version = "1.2.3"

// TestMain makes this program a server as well: what it does wrong is in the variable FAKE.
func TestMain(m *testing.M) {
	if fault := os.Getenv("FAKE"); fault != "" {
		os.Exit(fake(fault))
	}
	os.Exit(m.Run())
}

// whoami is the result of the tool of a server with which everything is fine.
const whoami = `{"summary":"-","sandbox":false,"key_source":"RAFF_API_KEY","key_prefix":"raff_0a0a0a0a","api_key_id":"k1","name":"MCP","account_id":"a1","role_name":"Owner","rate_limit_tier":"standard"}`

// fake serves MCP in a way that has a fault, and returns its exit code.
func fake(fault string) int {
	if os.Args[len(os.Args)-1] == "--json" {
		fmt.Println(os.Getenv("SELF"))
		return 0
	}
	switch fault {
	case "dies":
		fmt.Fprintln(os.Stderr, "first line\nno such profile: work, key "+planted)
		return 3
	case "dies silently":
		return 0
	case "warns":
		fmt.Fprintln(os.Stderr, `2026-01-01T00:00:00Z INF serving
2026-01-01T00:00:00Z WRN a secret was found that was not delivered file=x
{"time":"2026","level":"ERROR","msg":"y"}`)
	case "noisy":
		fmt.Fprint(os.Stderr, strings.Repeat("noise "+planted+"\n", 1<<20/40))
	case "noisy line":
		fmt.Fprint(os.Stderr, strings.Repeat(planted, 1<<20/len(planted)))
	case "junk":
		fmt.Println("Welcome! " + planted + "\x1b[31m")
	case "only junk":
		for range 10_000 {
			fmt.Println("still loading")
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	case "long line":
		fmt.Println(strings.Repeat("x", 5<<20))
	case "closes stdout":
		os.Stdout.Close()
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	case "hangs":
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	case "leaves a child", "never exits":
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "FAKE=child")
		child.Stderr = os.Stderr // stays open as long as the child lives
		connected, err := child.StdoutPipe()
		if err != nil || child.Start() != nil {
			return 1
		}
		_, _ = connected.Read(make([]byte, 1))
	case "child": // holds a connection open as long as it lives
		conn, err := net.Dial("tcp", os.Getenv("ALIVE"))
		if err != nil {
			return 1
		}
		fmt.Println("connected")
		_, _ = conn.Read(make([]byte, 1))
		return 0
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		respond(fault, in.Text())
	}
	if fault == "never exits" {
		time.Sleep(time.Hour)
	}
	return 0
}

func respond(fault, line string) {
	var m struct {
		ID     json.RawMessage
		Method string
		Params struct{ Name string }
	}
	if json.Unmarshal([]byte(line), &m) != nil || m.ID == nil || m.Method == "" {
		return
	}
	result := "{}"
	switch m.Method {
	case "initialize":
		name, v := "raff-mcp", version
		switch {
		case fault == "another server":
			name = "weather " + planted
		case strings.HasPrefix(fault, "version "):
			v = strings.TrimPrefix(fault, "version ")
		case fault == "refuses":
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-1,"message":"not today, %s"}}`+"\n", m.ID, planted)
			return
		case fault == "dies later":
			fmt.Fprintln(os.Stderr, "out of memory")
			os.Exit(1)
		}
		result = fmt.Sprintf(`{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":%q,"version":%q}}`, name, v)
	case "tools/list":
		result = `{"tools":[{"name":"whoami"},{"name":"create_api_key"}]}`
		switch fault {
		case "no tools":
			result = `{"tools":[]}`
		case "no whoami":
			result = `{"tools":[{"name":"create_api_key"}]}`
		case "nonsense":
			result = `{"tools":7}`
		}
	case "tools/call":
		if fault == "asks" {
			fmt.Println(`{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"?"}}`)
			fmt.Println(`{"jsonrpc":"2.0","id":"p","method":"ping"}`)
		}
		identity := whoami
		if w := os.Getenv("WHOAMI"); w != "" {
			identity = w
		}
		result = fmt.Sprintf(`{"content":[{"type":"text","text":"-"}],"structuredContent":%s}`, identity)
		if fault == "whoami fails" {
			result = `{"isError":true,"content":[{"type":"text","text":"no luck"}]}`
		}
	}
	fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", m.ID, result)
}

// selfReport is what the program says about itself if everything is fine.
const selfReport = `{"entries":[{"ok":true,"checks":[{"name":"configuration","ok":true,"text":"valid"},{"name":"delivery","ok":true,"text":"inline"}]}]}`

// entry returns an entry that starts this program as a fake server.
func entry(t *testing.T, fault string, vars ...string) doctor.Entry {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "GORACE=atexit_sleep_ms=0", "FAKE="+fault, "SELF="+selfReport)
	return doctor.Entry{Client: "gemini", Title: "Gemini CLI", Scope: "user", File: "settings.json", Name: "raff",
		Launch: doctor.Launch{Command: program, Args: []string{"--sandbox"}, Env: append(env, vars...)}}
}

// examine returns the result for one entry.
func examine(t *testing.T, cfg doctor.Config, e doctor.Entry) doctor.Result {
	t.Helper()
	cfg.Version = version
	if cfg.Executable == "" {
		cfg.Executable = e.Launch.Command
	}
	var results []doctor.Result
	doctor.Run(t.Context(), cfg, []doctor.Entry{e}, func(r doctor.Result) { results = append(results, r) })
	if len(results) != 1 {
		t.Fatalf("got %d results, want one", len(results))
	}
	text, err := json.Marshal(results[0])
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), planted) || strings.Contains(string(text), planted[14:]) {
		t.Errorf("the planted key is in %s", text)
	}
	return results[0]
}

// find returns the check of that name. It ends the test if there is none.
func find(t *testing.T, r doctor.Result, name string) doctor.Check {
	t.Helper()
	for _, c := range r.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %s in %+v", name, r)
	return doctor.Check{}
}
