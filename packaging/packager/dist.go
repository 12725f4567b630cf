package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// A platform is one for which there are packages, in the words of Node.js.
type platform struct {
	Name string // of its packages
	OS   string
	CPUs []string
	Exe  string // the suffix of programs

	goos, goarch string // in goreleaser's words; "all" is a universal program
}

var platforms = []platform{
	{Name: "darwin", OS: "darwin", CPUs: []string{"arm64", "x64"}, goos: "darwin", goarch: "all"},
	{Name: "linux-arm64", OS: "linux", CPUs: []string{"arm64"}, goos: "linux", goarch: "arm64"},
	{Name: "linux-x64", OS: "linux", CPUs: []string{"x64"}, goos: "linux", goarch: "amd64"},
	{Name: "win32-arm64", OS: "win32", CPUs: []string{"arm64"}, Exe: ".exe", goos: "windows", goarch: "arm64"},
	{Name: "win32-x64", OS: "win32", CPUs: []string{"x64"}, Exe: ".exe", goos: "windows", goarch: "amd64"},
}

// A dist is goreleaser's output directory.
type dist struct {
	Version   string `json:"version"` // without v
	Tag       string `json:"tag"`
	artifacts []artifact
	dir       string
}

type artifact struct {
	Path, Type, GOOS, GOARCH string
}

func readDist(dir string) (dist, error) {
	d := dist{dir: dir}
	if err := readJSON(filepath.Join(dir, "metadata.json"), &d); err != nil {
		return d, err
	}
	if d.Version == "" || d.Tag != "v"+d.Version {
		return d, fmt.Errorf("%s: version %q does not belong to tag %q. Build a tagged commit", dir, d.Version, d.Tag)
	}
	return d, readJSON(filepath.Join(dir, "artifacts.json"), &d.artifacts)
}

// program returns the path of the program for a platform.
func (d dist) program(goos, goarch string) (string, error) {
	i := slices.IndexFunc(d.artifacts, func(a artifact) bool {
		return (a.Type == "Binary" || a.Type == "Universal Binary") && a.GOOS == goos && a.GOARCH == goarch
	})
	if i < 0 {
		return "", fmt.Errorf("%s/artifacts.json: no program for %s on %s", d.dir, goos, goarch)
	}
	return filepath.Join(filepath.Dir(d.dir), filepath.FromSlash(d.artifacts[i].Path)), nil
}

// ownProgram returns the path of the program that this machine can run.
func (d dist) ownProgram() (string, error) {
	goarch := runtime.GOARCH
	if runtime.GOOS == "darwin" {
		goarch = "all"
	}
	return d.program(runtime.GOOS, goarch)
}

func readJSON(path string, v any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
