package cli

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// If the program is killed at any moment, the file for a secret is complete and has its
// final name, immediately or after the next start.
func TestKilledDuringDelivery(t *testing.T) {
	t.Parallel()
	api := exec.Command("loopback-api")
	out, err := api.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = api.Process.Kill()
		_ = api.Wait()
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	create := func() *exec.Cmd {
		cmd := exec.Command("raff-mcp", "--secrets=file", "call", "create_api_key", `{"name":"ci"}`)
		cmd.Env = append(os.Environ(), "HOME="+home, "USERPROFILE="+home, "RAFF_API_KEY=raff_0123456789", "RAFF_API_URL="+strings.TrimSpace(url))
		return cmd
	}

	const runs = 60
	for range runs {
		cmd := create()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(rand.N(60 * time.Millisecond))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	dir, long := filepath.Join(home, ".raff", "secrets"), time.Now().Add(-time.Hour)
	temporary, err := filepath.Glob(filepath.Join(dir, ".raff-mcp-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range temporary {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := create().CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	made, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range made {
		path := filepath.Join(dir, file.Name())
		if text, err := os.ReadFile(path); err != nil || !strings.HasSuffix(path, ".key") || string(text) != "raff_0123456789abcdef" {
			t.Errorf("%s contains %q, %v", path, text, err)
		}
	}
	t.Logf("killed %d times: %d files after a new start, %d temporary ones before", runs, len(made), len(temporary))
}
