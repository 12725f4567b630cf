package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// writeRegistry writes server.json, which the MCP registry publishes, to file. It contains
// the hashes of the bundles in dir, of which there must be one for each platform.
func writeRegistry(distDir, dir, file string) error {
	d, err := readDist(distDir)
	if err != nil {
		return err
	}
	m := manifest{Version: d.Version, Tag: d.Tag, Platforms: platforms}
	for _, p := range platforms {
		name := bundleName(d.Version, p)
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		m.Bundles = append(m.Bundles, bundle{File: name, SHA256: hex.EncodeToString(sum[:])})
	}
	text, err := render(filepath.Join("packaging", "registry", "server.json.tmpl"), m)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// bundleName is the name under which packaging/pack writes a bundle.
func bundleName(version string, p platform) string {
	return fmt.Sprintf("raff-mcp-%s-%s.mcpb", version, p.Name)
}

// validate checks a JSON file against a JSON Schema, including formats.
func validate(schemaFile, file string) error {
	var schema, document any
	if err := errors.Join(readJSON(schemaFile, &schema), readJSON(file, &document)); err != nil {
		return err
	}
	url, err := schemaURL(schema)
	if err != nil {
		return fmt.Errorf("%s: %w", schemaFile, err)
	}
	object, _ := document.(map[string]any)
	if stated, ok := object["$schema"]; ok && stated != url {
		return fmt.Errorf("%s: its $schema is %v, but %s is %s", file, stated, schemaFile, url)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(url, schema); err != nil {
		return err
	}
	compiled, err := c.Compile(url)
	if err != nil {
		return err
	}
	return compiled.Validate(document)
}

func schemaURL(schema any) (string, error) {
	object, _ := schema.(map[string]any)
	url, ok := object["$id"].(string)
	if !ok {
		return "", errors.New("is not a JSON Schema with an $id")
	}
	return url, nil
}
