// Packager fills in the manifests of the packages in packaging/, assembles what they
// contain, and starts a package as its host would. The scripts pack and check run it from
// the root of the repository.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

const usage = `usage: packager assemble DIST OUT       the contents of all packages, from goreleaser's output
       packager registry DIST DIR FILE  server.json, for the .mcpb files in DIR
       packager validate SCHEMA FILE    a JSON file against a JSON Schema
       packager notes CHANGELOG VERSION prints what the changelog says about a version
       packager launch VERSION gemini DIR             the server of an extension of the Gemini CLI
       packager launch VERSION claude DIR             that of a plugin of Claude Code
       packager launch VERSION line <FILE             as {"command", "args", "env"} says
       packager launch VERSION command NAME [ARGS...]`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "packager: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 3 && args[0] == "assemble":
		return assemble(ctx, args[1], args[2])
	case len(args) == 4 && args[0] == "registry":
		return writeRegistry(args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "validate":
		return validate(args[1], args[2])
	case len(args) == 3 && args[0] == "notes":
		text, err := notes(args[1], args[2])
		fmt.Print(text)
		return err
	case len(args) > 2 && args[0] == "launch":
		l, err := readLaunchLine(args[2], args[3:])
		if err != nil {
			return err
		}
		return launch(ctx, l, args[1])
	}
	return fmt.Errorf("wrong arguments\n%s", usage)
}
