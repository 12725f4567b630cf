package main

import (
	"bufio"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Whenever the program is killed, the file for a secret is there as a whole or not
// at all.
func TestKilledWhileItHandsOver(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere a temporary file may be left, which has to have a name")
	}
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

	const runs = 60
	home := t.TempDir()
	for range runs {
		cmd := exec.Command("raff-mcp", "--secrets=file", "call", "create_api_key", `{"name":"ci"}`)
		cmd.Env = append(os.Environ(), "HOME="+home, "RAFF_API_KEY=raff_0123456789", "RAFF_API_URL="+strings.TrimSpace(url))
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-time.After(rand.N(60 * time.Millisecond))
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	made := 0
	err = filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".key") && string(text) == "raff_0123456789abcdef":
			made++
		case strings.HasSuffix(path, ".part") && !strings.Contains(string(text), "raff_"): // of trying the directory
		default:
			t.Errorf("%s holds %q", path, text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("killed %d times: %d files, all of them whole", runs, made)
}
