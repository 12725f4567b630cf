package main

import (
	"fmt"
	"os"
	"strings"
)

// notes returns what a changelog says about a version. A release without an entry, or with
// one that still says Unreleased, is an error.
func notes(file, version string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	_, entry, found := strings.Cut("\n"+string(raw), "\n## "+version+" - ")
	if !found {
		return "", fmt.Errorf("%s has no entry for %s. Add one", file, version)
	}
	date, entry, _ := strings.Cut(entry, "\n")
	if strings.Contains(date, "Unreleased") {
		return "", fmt.Errorf("%s says that %s is unreleased. Write the date there", file, version)
	}
	entry, _, _ = strings.Cut(entry, "\n## ")
	return strings.TrimSpace(entry) + "\n", nil
}
