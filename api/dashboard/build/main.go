// Command build generates api/dashboard/dist and src/types.ts from the sources of the dashboard:
//
//	go run ./api/dashboard/build types    # src/types.ts from docs/openapi.json
//	go run ./api/dashboard/build bundle   # dist from src and node_modules
//
// It runs in the root of the module. The same sources always give the same output.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

const (
	root     = "api/dashboard"
	document = "docs/openapi.json"
)

// bundled are the packages whose code is part of the bundle.
var bundled = []string{"preact", "@preact/signals", "@preact/signals-core", "uplot"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "types" {
		return writeTypes(document, filepath.Join(root, "src", "types.ts"))
	}
	if len(args) == 1 && args[0] == "bundle" {
		return bundle()
	}
	return errors.New("usage: build types|bundle")
}

// bundle replaces the contents of dist.
func bundle() error {
	files, err := build()
	if err != nil {
		return err
	}
	for _, name := range []string{"icon.svg"} {
		if files[name], err = os.ReadFile(filepath.Join(root, "src", name)); err != nil {
			return err
		}
	}
	if files["licenses.txt"], err = licenses(); err != nil {
		return err
	}
	dist := filepath.Join(root, "dist")
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dist, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// build returns the scripts and styles by name. Code that the first screen does not need is in
// separate files.
func build() (map[string][]byte, error) {
	folder, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	result := api.Build(api.BuildOptions{
		EntryPoints:   []string{"src/app.tsx", "src/app.css"},
		AbsWorkingDir: folder, Outdir: "dist", EntryNames: "[name]", ChunkNames: "[name]-[hash]",
		Bundle: true, Splitting: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022,
		JSX: api.JSXAutomatic, JSXImportSource: "preact",
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone,
		Define: map[string]string{"process.env.NODE_ENV": `"production"`}, LogLevel: api.LogLevelWarning,
	})
	if len(result.Errors) > 0 {
		return nil, errors.New("the sources cannot be bundled")
	}
	files := map[string][]byte{}
	for _, f := range result.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	return files, nil
}

// licenses returns the licenses of the code that is part of the bundle.
func licenses() ([]byte, error) {
	var all bytes.Buffer
	all.WriteString("The dashboard contains code from these packages.\n")
	for _, name := range bundled {
		text, err := os.ReadFile(filepath.Join(root, "node_modules", filepath.FromSlash(name), "LICENSE"))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&all, "\n%s\n\n%s\n", name, bytes.TrimSpace(text))
	}
	return all.Bytes(), nil
}
