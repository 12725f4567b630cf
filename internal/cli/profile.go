package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"go.yaml.in/yaml/v4"
)

const maxProfileFile = 1 << 20 // bytes

// profile is what the current profile of the vendor's configuration file says.
type profile struct {
	path   string            // of the file, "" if there is none
	values map[string]string // by setting.fileKey
	shared bool              // others may read the file
}

// readProfile reads the current profile of .raff/config.yaml below home.
//
// Without a home directory there is no profile: the vendor's program then looks
// in the working directory, but the repository one happens to stand in must not
// decide where the key is sent.
func readProfile(home string) (profile, error) {
	if home == "" {
		return profile{}, nil
	}
	path := filepath.Join(home, ".raff", "config.yaml")
	text, shared, err := readPrivate(path, maxProfileFile)
	if errors.Is(err, fs.ErrNotExist) {
		return profile{}, nil
	}
	if err != nil {
		return profile{}, err
	}
	values, err := parseProfile(text)
	if err != nil {
		return profile{}, fmt.Errorf("%s: %w", visible(path), err)
	}
	return profile{path, values, shared}, nil
}

// source says where a value of the profile was found.
func (p profile) source(fileKey string) string {
	return fmt.Sprintf("%s: %s of the current profile", visible(p.path), fileKey)
}

// profileFile is the file as `raff configure` writes it, with hyphens, and as
// its documentation shows it, with underscores.
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

// parseProfile returns the values of the current profile. Its errors quote
// nothing of the text, which holds keys.
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

// withoutQuotes keeps of an error in YAML its place and its kind.
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

// readPrivate reads a file of at most limit bytes that should be its owner's
// alone, and reports whether others may read it. Its errors name the path.
func readPrivate(path string, limit int64) (text []byte, shared bool, err error) {
	// Looking comes before opening: to open a named pipe is to wait for its writer.
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, pathError(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%s: not a regular file", visible(path))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, false, pathError(path, err)
	}
	defer f.Close()
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, false, pathError(path, err)
	}
	if int64(len(text)) > limit {
		return nil, false, fmt.Errorf("%s: larger than %d KiB", visible(path), limit>>10)
	}
	return text, runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0, nil
}

func pathError(path string, err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return fmt.Errorf("%s: %w", visible(path), err)
}

func sharedWarning(path string) string {
	return fmt.Sprintf("others may read %s: chmod 600 %[1]s", visible(path))
}
