package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// certificates is the file with which Debian's and Ubuntu's ca-certificates provide
// Mozilla's list.
const certificates = "/etc/ssl/certs/ca-certificates.crt"

// assemble writes the contents of all packages below out, from goreleaser's output.
func assemble(ctx context.Context, distDir, out string) error {
	d, err := readDist(distDir)
	if err != nil {
		return err
	}
	program, err := d.ownProgram()
	if err != nil {
		return err
	}
	s, err := speak(exec.CommandContext(ctx, program, "--sandbox"))
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	if s.Version != d.Version {
		return fmt.Errorf("%s is version %s, but the release is %s. Build a commit without changes", program, s.Version, d.Version)
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	m := manifest{Version: d.Version, Tag: d.Tag, Platforms: platforms, Tools: s.Tools}
	a := assembler{dist: d, out: out}
	for _, p := range platforms {
		m.Platform = p
		a.addPlatform(m)
	}
	m.Platform = platform{}
	a.addCommon(m)
	return errors.Join(a.errs...)
}

// An assembler collects the files of packages, and what fails.
type assembler struct {
	dist dist
	out  string
	errs []error
}

// addPlatform adds the packages for one platform.
func (a *assembler) addPlatform(m manifest) {
	p := m.Platform
	program, err := a.dist.program(p.goos, p.goarch)
	if err != nil {
		a.errs = append(a.errs, err)
		return
	}
	for _, pkg := range []struct{ dir, template, manifest, program string }{
		{"mcpb/" + p.Name, "mcpb/manifest.json.tmpl", "manifest.json", "bin/raff-mcp"},
		{"npm/raff-mcp-" + p.Name, "npm/platform.json.tmpl", "package.json", "bin/raff-mcp"},
		{"gemini/" + p.Name, "gemini/gemini-extension.json.tmpl", "gemini-extension.json", "raff-mcp"},
	} {
		a.fill(pkg.template, pkg.dir+"/"+pkg.manifest, m)
		a.copy(program, pkg.dir+"/"+pkg.program+p.Exe, 0o755)
		a.copy("LICENSE", pkg.dir+"/LICENSE", 0o644)
	}
	if p.goos == "linux" {
		a.copy(program, "image/"+p.goarch+"/raff-mcp", 0o755)
	}
}

// addCommon adds the packages that are the same on all platforms.
func (a *assembler) addCommon(m manifest) {
	a.fill("npm/package.json.tmpl", "npm/raff-mcp/package.json", m)
	a.copy("packaging/npm/raff-mcp.js", "npm/raff-mcp/bin/raff-mcp.js", 0o755)
	a.copy("packaging/npm/README.md", "npm/raff-mcp/README.md", 0o644)
	a.copy("LICENSE", "npm/raff-mcp/LICENSE", 0o644)
	a.fill("claude-plugin/plugin.json.tmpl", "claude-plugin/.claude-plugin/plugin.json", m)
	a.fill("claude-plugin/marketplace.json.tmpl", "claude-plugin/.claude-plugin/marketplace.json", m)
	a.copy("LICENSE", "claude-plugin/LICENSE", 0o644)
	a.copy("packaging/image/Dockerfile", "image/Dockerfile", 0o644)
	a.copy(certificates, "image/ca-certificates.crt", 0o644)
}

// fill adds a file that is made from a template.
func (a *assembler) fill(template, name string, m manifest) {
	text, err := render(filepath.Join("packaging", template), m)
	if err == nil {
		err = a.create(name, 0o644, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	a.errs = append(a.errs, err)
}

// copy adds a copy of a file.
func (a *assembler) copy(from, name string, mode os.FileMode) {
	a.errs = append(a.errs, a.create(name, mode, func(w io.Writer) error {
		f, err := os.Open(from)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}))
}

func (a *assembler) create(name string, mode os.FileMode, write func(io.Writer) error) error {
	path := filepath.Join(a.out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Chmod(mode), f.Close()) // Chmod, because of the umask
}
