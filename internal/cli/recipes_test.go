//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/rafftechnologies/raff-mcp/raffclient"
)

// yamlBlocks returns the blocks of YAML in docs/destinations.md: examples of ~/.raff/mcp.yaml.
func yamlBlocks(t *testing.T) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/destinations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) < 3 {
		t.Fatalf("got %d blocks", len(blocks))
	}
	return blocks
}

// Every example of the file is accepted as it is.
func TestDestinationExamples(t *testing.T) {
	t.Parallel()
	for i, block := range yamlBlocks(t) {
		cmd := exec.CommandContext(t.Context(), "raff-mcp", "--sandbox", "tools", "create_api_key")
		cmd.Env = []string{"HOME=" + homeForDestinations(t, block), "PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "deliver_to") {
			t.Errorf("block %d: %v\n%s", i+1, err, out)
		}
	}
}

// The command in the document shows the digits that the result contains.
func TestFingerprintCommand(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sha256sum"); err != nil {
		t.Skip("sha256sum is not installed")
	}
	text, err := os.ReadFile("../../docs/destinations.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?ms)^```sh\n(.*?sha256sum.*?)^```$").FindStringSubmatch(string(text))
	if m == nil {
		t.Fatal("there is no such command")
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", m[1])
	cmd.Env = append(os.Environ(), "RAFF_API_KEY="+newSecret)
	out, err := cmd.Output()
	if _, want, _ := strings.Cut(raffclient.NewSecret(newSecret).Fingerprint(), "-"); err != nil || string(out) != want+"\n" {
		t.Errorf("got %q, %v, want %s", out, err, want)
	}
}

// standIn records its arguments, its environment and its standard input, and prints the
// latter for the next program of a pipe.
const standIn = `#!/bin/sh
printf '%s\n' "$0" "$@" >"$RECORD/$$.arguments"
env >"$RECORD/$$.environment"
exec tee "$RECORD/$$.input"
`

// recipe is what the last program of a recipe must get.
type recipe struct {
	programs  []string // that it starts, apart from sh, printf and cat
	input     string   // with SECRET for the secret; "" is the secret alone
	arguments []string // some of its arguments, which say that it reads its standard input
	needs     string   // a program that must be installed
}

func recipes() map[string]recipe {
	return map[string]recipe{
		"github":      {programs: []string{"gh"}},
		"vault":       {programs: []string{"vault"}, arguments: []string{"api_key=-"}},
		"onepassword": {programs: []string{"op"}, needs: "jq", input: `{"title":"Raff ci \"1\"","category":"API_CREDENTIAL","fields":[{"id":"credential","type":"CONCEALED","value":"SECRET"}]}`, arguments: []string{"-"}},
		"kubernetes":  {programs: []string{"kubectl"}, arguments: []string{"--filename=-"}},
		"aws":         {programs: []string{"aws"}, arguments: []string{"file:///dev/stdin"}},
		"doppler":     {programs: []string{"doppler"}},
		"fly":         {programs: []string{"fly"}, input: "RAFF_API_KEY=SECRET"},
		"vercel":      {programs: []string{"vercel"}},
		"wrangler":    {programs: []string{"wrangler"}},
		"systemd":     {programs: []string{"systemd-creds"}, arguments: []string{"-"}},
		"age":         {programs: []string{"age"}},
		"wayland":     {programs: []string{"wl-copy"}},
		"macos":       {programs: []string{"pbcopy"}},
		"windows":     {programs: []string{"clip.exe"}},
	}
}

// Each recipe delivers the secret to the standard input of its program, and nowhere else.
func TestRecipes(t *testing.T) {
	t.Parallel()
	blocks := yamlBlocks(t)
	settings := blocks[len(blocks)-1]
	var parsed struct {
		Destinations map[string]any `yaml:"destinations"`
	}
	if err := yaml.Unmarshal([]byte(settings), &parsed); err != nil {
		t.Fatal(err)
	}
	for name := range parsed.Destinations {
		if _, ok := recipes()[name]; !ok {
			t.Errorf("the recipe %s is not tested: add it to recipes", name)
		}
	}
	for name, r := range recipes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, ok := parsed.Destinations[name]; !ok {
				t.Fatal("there is no such recipe")
			}
			r.run(t, name, homeForDestinations(t, settings))
		})
	}
}

func (r recipe) run(t *testing.T, name, home string) {
	if r.needs != "" {
		if _, err := exec.LookPath(r.needs); err != nil {
			t.Skipf("%s is not installed", r.needs)
		}
	}
	bin, record := t.TempDir(), t.TempDir()
	for _, program := range r.programs {
		if err := os.WriteFile(filepath.Join(bin, program), []byte(standIn), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "raff-mcp", "--log-level=debug", "call", "--sandbox", "create_api_key",
		fmt.Sprintf(`{"name":"ci \"1\"","deliver_to":%q}`, name))
	cmd.Env = []string{"HOME=" + home, "PATH=" + bin + ":" + os.Getenv("PATH"), "RECORD=" + record}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var result struct {
		Secret struct{ Delivery, Destination, Fingerprint string }
	}
	if err := json.Unmarshal(out, &result); err != nil || result.Secret.Delivery != "command" || result.Secret.Destination != name {
		t.Fatalf("got %s, %v", out, err)
	}
	r.check(t, record, result.Secret.Fingerprint, string(out)+stderr.String())
}

// check checks what the programs got. shown is what the program printed and logged.
func (r recipe) check(t *testing.T, record, fingerprint, shown string) {
	t.Helper()
	var secret string
	read := func(pattern string) (all string) {
		files, err := filepath.Glob(filepath.Join(record, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s: the program was not started", pattern)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			all += string(text)
			if strings.HasSuffix(f, ".input") && !r.matches(string(text)) {
				t.Errorf("a program got %d bytes that are not %q", len(text), r.input)
			}
		}
		return all
	}
	if secret = newSecretPattern.FindString(read("*.input")); raffclient.NewSecret(secret).Fingerprint() != fingerprint {
		t.Errorf("the program did not get the secret with the fingerprint %s", fingerprint)
	}
	arguments := read("*.arguments")
	for _, want := range r.arguments {
		if !strings.Contains(arguments, "\n"+want+"\n") {
			t.Errorf("got the arguments %s, want %s", arguments, want)
		}
	}
	for where, text := range map[string]string{"an argument": arguments, "the environment": read("*.environment"), "what is shown": shown} {
		if strings.Contains(text, secret) {
			t.Errorf("the secret is in %s", where)
		}
	}
}

// matches reports whether the input is the secret in the form that the recipe needs.
func (r recipe) matches(input string) bool {
	got := newSecretPattern.ReplaceAllString(input, "SECRET")
	if strings.HasPrefix(r.input, "{") {
		var a, b any
		if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal([]byte(r.input), &b) != nil {
			return false
		}
		return fmt.Sprint(a) == fmt.Sprint(b)
	}
	if r.input == "" {
		return got == "SECRET"
	}
	return got == r.input
}
