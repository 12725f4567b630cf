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

// A profile is a profile of the vendor's configuration file: the one that is selected with
// --profile, or the current one.
type profile struct {
	path   string            // of the file, "" if there is none
	wanted string            // the name that was selected, "" for the current profile
	name   string            // of the profile, "" if the file has no such profile
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

// readProfile reads a profile of .raff/config.yaml below home: the one with that name, or,
// if name is "", the current one. If there is none with that name, the error is an
// *unknownProfileError.
//
// Without a home directory there is no profile. The vendor's program then reads the
// working directory, but a repository must not decide where the key is sent.
func readProfile(home, name string) (profile, error) {
	p := profile{wanted: name}
	if home == "" {
		return p, missingProfile(name, "there is no home directory")
	}
	path := filepath.Join(home, ".raff", "config.yaml")
	text, shared, err := readPrivate(path, maxProfileBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return p, missingProfile(name, "there is no file "+printable.String(path))
	case errors.Is(err, fs.ErrPermission):
		p.path, p.problem = path, &profileProblem{path, "this user may not read it", "Make it readable for this user, or remove it."}
		return p, missingProfile(name, "this user may not read "+printable.String(path))
	case err != nil:
		return p, err
	}
	p.path, p.shared = path, shared
	noEffect, err := p.parse(text)
	if _, unknown := errors.AsType[*unknownProfileError](err); unknown {
		return p, err
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", printable.String(path), err)
	}
	if noEffect != "" {
		p.problem = &profileProblem{path, noEffect, "Run `raff configure`, which fills it in, or remove it."}
	}
	return p, nil
}

// source names the profile's value for key in messages.
func (p profile) source(key string) string {
	return fmt.Sprintf("%s: %s of %s", printable.String(p.path), key, p.label())
}

// label names the profile in messages.
func (p profile) label() string {
	if p.wanted == "" {
		return "the current profile"
	}
	return "the profile " + quoteProfile(p.wanted)
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

// parse sets the name and the values of the profile that p.wanted selects. If there are no
// values, it returns the reason. Except for names of profiles, its texts do not quote the
// file, which contains keys.
func (p *profile) parse(text []byte) (noEffect string, err error) {
	var file profileFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		return "", withoutQuotes(err)
	}
	name := cmp.Or(p.wanted, file.Current, file.AltCurrent)
	stored, ok := file.Profiles[cmp.Or(name, "default")]
	switch {
	case ok:
		p.name = cmp.Or(name, "default")
	case p.wanted != "":
		return "", newUnknownProfileError(p.path, name, file.Profiles)
	case name != "":
		return "", message("current-profile names a profile that is not under profiles. Correct it, or run `raff configure`.")
	}
	values := map[string]string{
		"api-url":    cmp.Or(stored.APIURL, stored.AltAPIURL),
		"api-key":    cmp.Or(stored.APIKey, stored.AltAPIKey),
		"project-id": cmp.Or(stored.ProjectID, stored.AltProjectID),
	}
	p.values = values
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
		noEffect = strings.Replace(p.label(), "the ", "its ", 1) + " contains no api-key, api-url or project-id"
	}
	return noEffect, nil
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
