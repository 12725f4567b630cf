package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// inRoot runs the test in the root of the repository, as packager itself runs there.
func inRoot(t *testing.T) { t.Chdir("../..") }

// sample is what the templates are filled with in tests.
func sample() manifest {
	m := manifest{Version: "1.2.3-rc.1", Tag: "v1.2.3-rc.1", Platforms: platforms, Platform: platforms[0],
		Tools: []tool{{Name: "list_api_keys", Description: `says "x" & <y>`}}}
	for _, p := range platforms {
		m.Bundles = append(m.Bundles, bundle{File: bundleName(m.Version, p), SHA256: strings.Repeat("0", 64)})
	}
	return m
}

func TestTemplates(t *testing.T) {
	inRoot(t)
	templates, err := filepath.Glob("packaging/*/*.tmpl")
	if err != nil || len(templates) < 7 {
		t.Fatalf("got %d templates, %v", len(templates), err)
	}
	settings := programSettings(t)
	for _, name := range templates {
		for _, p := range platforms {
			m := sample()
			m.Platform = p
			text, err := render(name, m)
			if err != nil {
				t.Fatal(err)
			}
			var document struct{ Name, Version, Description string }
			if err := json.Unmarshal(text, &document); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if document.Name == "" || !strings.Contains(string(text), m.Version) {
				t.Errorf("%s: got name %q and no version", name, document.Name)
			}
			if utf8.RuneCountInString(document.Description) > 100 && strings.Contains(name, "registry") {
				t.Errorf("%s: the registry takes descriptions of at most 100 characters", name)
			}
			for _, v := range regexp.MustCompile(`\bRAFF_[A-Z_]+`).FindAllString(string(text), -1) {
				if !slices.Contains(settings, v) {
					t.Errorf("%s: %s is not a setting of the program", name, v)
				}
			}
		}
	}
}

// programSettings returns the environment variables that the program's help names.
func programSettings(t *testing.T) []string {
	out, err := exec.Command(built, "-h").Output()
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`\bRAFF_[A-Z_]+`).FindAllString(string(out), -1)
}

// built is the path of the program, which TestMain builds.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "raff-mcp-packager-")
	if err != nil {
		panic(err)
	}
	built = filepath.Join(dir, "raff-mcp")
	if runtime.GOOS == "windows" {
		built += ".exe"
	}
	build := exec.Command("go", "build", "-o", built, ".")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// Hosts compare the name of a bundle with the server's, and the registry that of the
// packages with its own.
func TestNamesAgree(t *testing.T) {
	inRoot(t)
	s, err := speak(exec.Command(built, "--sandbox"))
	if err != nil {
		t.Fatal(err)
	}
	if got := renderedName(t, "mcpb/manifest.json.tmpl", "name"); got != s.Name {
		t.Errorf("MCPB: got %q, want %q", got, s.Name)
	}
	want := renderedName(t, "registry/server.json.tmpl", "name")
	if got := renderedName(t, "npm/package.json.tmpl", "mcpName"); got != want {
		t.Errorf("npm: got %q, want %q", got, want)
	}
	dockerfile, err := os.ReadFile("packaging/image/Dockerfile")
	if err != nil || !strings.Contains(string(dockerfile), `io.modelcontextprotocol.server.name="`+want+`"`) {
		t.Errorf("the image has no label with the name %q: %v", want, err)
	}
}

func renderedName(t *testing.T, template, member string) string {
	t.Helper()
	text, err := render(filepath.Join("packaging", template), sample())
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	name, _ := document[member].(string)
	return name
}

// No manifest may contain a version: that of the tag is the only one.
func TestTemplatesContainNoVersion(t *testing.T) {
	inRoot(t)
	templates, _ := filepath.Glob("packaging/*/*.tmpl")
	for _, name := range templates {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := regexp.MustCompile(`"\d+\.\d+\.\d+`).Find(text); got != nil {
			t.Errorf("%s: contains the version %s", name, got)
		}
	}
}

func TestLaunch(t *testing.T) {
	program := built
	s, err := speak(exec.Command(program, "--sandbox"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		line    launchLine
		version string
		want    string // part of the error
	}{
		{"works", launchLine{Command: program}, s.Version, ""},
		{"another version", launchLine{Command: program}, "9.9.9", "want raff-mcp 9.9.9"},
		{"ends with an error", launchLine{Command: program, Args: []string{"--nonsense"}}, s.Version, "exit status 2"},
		{"is not a server", launchLine{Command: program, Args: []string{"version"}}, s.Version, "standard output"},
		{"does not exist", launchLine{Command: program + "-x"}, s.Version, program + "-x"},
		{"works without a key", launchLine{Command: program, Args: []string{"--sandbox"}}, s.Version, "failed is false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := launch(t.Context(), tt.line, tt.version)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestExpand(t *testing.T) {
	l := launchLine{Command: "${dir}${/}x", Args: []string{"${a}", "b"}, Env: map[string]string{"K": "${a}"}}
	got, err := l.expand(map[string]string{"dir": "d", "/": "/", "a": ""})
	if err != nil || got.Command != "d/x" || !slices.Equal(got.Args, []string{"", "b"}) || got.Env["K"] != "" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := l.expand(map[string]string{"dir": "d", "/": "/"}); err == nil || !strings.Contains(err.Error(), "${a} has no value") {
		t.Errorf("got %v, want an error about ${a}", err)
	}
}

func TestReadDist(t *testing.T) {
	for _, tt := range []struct{ metadata, want string }{
		{`{"version":"1.2.3","tag":"v1.2.3"}`, ""},
		{`{"version":"1.2.4-SNAPSHOT","tag":"v1.2.3"}`, "does not belong to tag"},
		{`{}`, "does not belong to tag"},
		{`{`, "metadata.json"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "metadata.json"), tt.metadata)
		write(t, filepath.Join(dir, "artifacts.json"), `[{"path":"dist/x/raff-mcp","type":"Binary","goos":"linux","goarch":"arm64"}]`)
		d, err := readDist(dir)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Fatalf("%s: got %v, want %q", tt.metadata, err, tt.want)
		}
		if err != nil {
			continue
		}
		if got, err := d.program("linux", "arm64"); err != nil || !strings.HasSuffix(filepath.ToSlash(got), "dist/x/raff-mcp") {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := d.program("linux", "amd64"); err == nil || !strings.Contains(err.Error(), "no program for linux on amd64") {
			t.Errorf("got %v", err)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestValidate(t *testing.T) {
	dir := t.TempDir()
	schema, file := filepath.Join(dir, "schema.json"), filepath.Join(dir, "file.json")
	write(t, schema, `{"$id":"https://example.com/s","type":"object","properties":{"u":{"type":"string","format":"uri"}}}`)
	for _, tt := range []struct{ text, want string }{
		{`{"$schema":"https://example.com/s","u":"https://example.com"}`, ""},
		{`{"u":"no address"}`, "/u"},
		{`{"$schema":"https://example.com/other"}`, "its $schema is"},
		{`[]`, "object"},
		{`{`, "file.json"},
	} {
		write(t, file, tt.text)
		err := validate(schema, file)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"nonsense"}, {"assemble"}, {"launch", "1"}, {"launch", "1", "nonsense"}, {"launch", "1", "command"}, {"launch", "1", "gemini"}} {
		if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), "usage: packager") {
			t.Errorf("%q: got %v, want the usage", args, err)
		}
	}
}

func TestNotes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "CHANGELOG.md")
	write(t, file, "# Changelog\n\n## 1.10.0 - Unreleased\n\n- new\n\n## 1.1.0 - 2026-11-24\n\n### Fixed\n\n- old\n\n## 1.0.0 - 2026-10-01\n\n- first\n")
	for _, tt := range []struct{ version, want, err string }{
		{"1.1.0", "### Fixed\n\n- old\n", ""},
		{"1.0.0", "- first\n", ""},
		{"1.10.0", "", "says that 1.10.0 is unreleased"},
		{"1.1", "", "has no entry for 1.1"},
	} {
		got, err := notes(file, tt.version)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %q, %v, want %q, %q", tt.version, got, err, tt.want, tt.err)
		}
	}
}
