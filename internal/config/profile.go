package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

const maxProfileBytes = 1 << 20

// A profile is the current profile of the vendor's configuration file.
type profile struct {
	path   string            // of the file, "" if there is none
	values map[string]string // by Setting.ProfileKey
	shared bool              // other users may read the file
}

// readProfile reads the current profile of .raff/config.yaml below home.
//
// Without a home directory there is no profile. The vendor's program then reads the
// working directory, but a repository must not decide where the key is sent.
func readProfile(home string) (profile, error) {
	if home == "" {
		return profile{}, nil
	}
	path := filepath.Join(home, ".raff", "config.yaml")
	text, shared, err := readPrivate(path, maxProfileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return profile{}, nil
	}
	if err != nil {
		return profile{}, err
	}
	values, err := parseProfile(text)
	if err != nil {
		return profile{}, fmt.Errorf("%s: %w", printable.String(path), err)
	}
	return profile{path, values, shared}, nil
}

// source names the profile's value for key in messages.
func (p profile) source(key string) string {
	return fmt.Sprintf("%s: %s of the current profile", printable.String(p.path), key)
}

// A profileFile is the file as `raff configure` writes it, with hyphens, and as the
// vendor's documentation shows it, with underscores.
type profileFile struct {
	Current    string                   `yaml:"current-profile"`
	AltCurrent string                   `yaml:"current_profile"`
	Profiles   map[string]storedProfile `yaml:"profiles"`
}

type storedProfile struct {
	APIURL       string `yaml:"api-url"`
	AltAPIURL    string `yaml:"api_url"`
	APIKey       string `yaml:"api-key"`
	AltAPIKey    string `yaml:"api_key"`
	ProjectID    string `yaml:"project-id"`
	AltProjectID string `yaml:"project_id"`
}

// parseProfile returns the values of the current profile. Its errors do not quote the
// text, which contains keys.
func parseProfile(text []byte) (map[string]string, error) {
	var file profileFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, withoutQuotes(err)
	}
	name := cmp.Or(file.Current, file.AltCurrent)
	stored, ok := file.Profiles[cmp.Or(name, "default")]
	if name != "" && !ok {
		return nil, errors.New("current-profile names a profile that is not under profiles")
	}
	return map[string]string{
		"api-url":    cmp.Or(stored.APIURL, stored.AltAPIURL),
		"api-key":    cmp.Or(stored.APIKey, stored.AltAPIKey),
		"project-id": cmp.Or(stored.ProjectID, stored.AltProjectID),
	}, nil
}

// withoutQuotes returns an error with only the line and the kind of a YAML error, whose
// text quotes the file.
func withoutQuotes(err error) error {
	e, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok || e.Mark.Line == 0:
		return errors.New("not valid YAML")
	case e.Stage == yaml.ConstructorStage:
		return fmt.Errorf("line %d: a value of the wrong type, or a name given twice", e.Mark.Line)
	default:
		return fmt.Errorf("line %d: not valid YAML", e.Mark.Line)
	}
}
