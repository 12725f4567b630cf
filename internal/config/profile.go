package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/rafftechnologies/raff-mcp/internal/printable"
)

const maxProfileBytes = 1 << 20

// A profile is the current profile of the vendor's configuration file.
type profile struct {
	path   string            // of the file, "" if there is none
	values map[string]string // by Setting.ProfileKey
	shared bool              // other users may read the file
	// problem says why a file that exists has no effect; nil if it has one.
	problem *profileProblem
}

// A profileProblem is the reason for which a file has no effect, and the remedy.
type profileProblem struct{ path, reason, remedy string }

func (e *profileProblem) Error() string { return e.what() + ". " + e.remedy }

// what returns the problem without the remedy and without a full stop.
func (e *profileProblem) what() string {
	return printable.String(e.path) + " has no effect: " + e.reason
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
	if errors.Is(err, fs.ErrPermission) {
		return profile{path: path, problem: &profileProblem{path, "this user may not read it", "Make it readable for this user, or remove it."}}, nil
	}
	if err != nil {
		return profile{}, err
	}
	values, noEffect, err := parseProfile(text)
	if err != nil {
		return profile{}, fmt.Errorf("%s: %w", printable.String(path), err)
	}
	p := profile{path: path, values: values, shared: shared}
	if noEffect != "" {
		p.problem = &profileProblem{path, noEffect, "Run `raff configure`, which fills it in, or remove it."}
	}
	return p, nil
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

// parseProfile returns the values of the current profile and, if there are none, the
// reason. Its texts do not quote the file, which contains keys.
func parseProfile(text []byte) (values map[string]string, noEffect string, err error) {
	var file profileFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, "", withoutQuotes(err)
	}
	name := cmp.Or(file.Current, file.AltCurrent)
	stored, ok := file.Profiles[cmp.Or(name, "default")]
	if name != "" && !ok {
		return nil, "", message("current-profile names a profile that is not under profiles. Correct it, or run `raff configure`.")
	}
	values = map[string]string{
		"api-url":    cmp.Or(stored.APIURL, stored.AltAPIURL),
		"api-key":    cmp.Or(stored.APIKey, stored.AltAPIKey),
		"project-id": cmp.Or(stored.ProjectID, stored.AltProjectID),
	}
	isSet := func(value string) bool { return strings.TrimSpace(value) != "" }
	switch {
	case slices.ContainsFunc(slices.Collect(maps.Values(values)), isSet):
	case len(bytes.TrimSpace(text)) == 0:
		noEffect = "it is empty"
	case len(file.Profiles) == 0:
		noEffect = "it contains no profiles"
	case !ok:
		noEffect = "it has no current-profile, and no profile named default"
	default:
		noEffect = "its current profile contains no api-key, api-url or project-id"
	}
	return values, noEffect, nil
}

const yamlRemedy = "Correct the file, or write it again with `raff configure`."

// withoutQuotes returns an error with only the line and the kind of a YAML error, whose
// text quotes the file.
func withoutQuotes(err error) error {
	e, ok := errors.AsType[*yaml.LoadError](err)
	switch {
	case !ok || e.Mark.Line == 0:
		return message("not valid YAML. " + yamlRemedy)
	case e.Stage == yaml.ConstructorStage:
		return message(fmt.Sprintf("line %d: a value of the wrong type, or a name given twice. %s", e.Mark.Line, yamlRemedy))
	default:
		return message(fmt.Sprintf("line %d: not valid YAML. %s", e.Mark.Line, yamlRemedy))
	}
}
