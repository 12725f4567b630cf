package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

// A manifest is what the templates are filled with.
type manifest struct {
	Version   string
	Tag       string
	Platforms []platform // all of them
	Platform  platform   // the one of this package, if it is made for one
	Tools     []tool
	Bundles   []bundle
}

// A tool is what a manifest says about one.
type tool struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// A bundle is an MCPB file of the release.
type bundle struct{ File, SHA256 string }

// render fills in a template of packaging/. The result is valid JSON.
func render(name string, m manifest) ([]byte, error) {
	t, err := template.New(filepath.Base(name)).
		Funcs(template.FuncMap{"json": marshal}).
		Option("missingkey=error").
		ParseFiles(name)
	if err != nil {
		return nil, err
	}
	var filled, indented bytes.Buffer
	if err := t.Execute(&filled, m); err != nil {
		return nil, err
	}
	if err := json.Indent(&indented, filled.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("%s: filled in, it is not JSON: %w", name, err)
	}
	return append(bytes.TrimSpace(indented.Bytes()), '\n'), nil
}

// marshal encodes v without escaping <, > and &, which people read in descriptions.
func marshal(v any) (string, error) {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSpace(text.String()), err
}
