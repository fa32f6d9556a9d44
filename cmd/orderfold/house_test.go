package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/orderfold/orderfold"

// mayImport is the import table of docs/architecture.md: which of our packages each package may import, and the foreign
// modules that only one package may use.
var mayImport = map[string][]string{
	"statemachine":                   {},
	"eventlog":                       {"eventlog/embedded"},
	"eventlog/embedded":              {},
	"receiver":                       {"eventlog"},
	"receiver/platform":              {"eventlog"},
	"receiver/platform/platformtest": {},
	"projector":                      {"eventlog", "statemachine", "projector/decode", "projector/feed", "projector/fold", "projector/views"},
	"projector/feed":                 {"statemachine"},
	"projector/decode":               {"statemachine"},
	"projector/fold":                 {"eventlog", "statemachine", "projector/decode", "projector/feed", "projector/views"},
	"projector/rebuild":              {"eventlog", "statemachine", "projector/decode", "projector/fold", "projector/views"},
	"projector/views":                {"statemachine", "projector/views/list"},
	"projector/views/list":           {"statemachine"},
	"api":                            {"statemachine", "projector/views", "api/access", "api/dashboard"},
	"api/access":                     {},
	"api/client":                     {},
	"api/client/subscribe":           {"api/client"},
	"api/dashboard":                  {},
	"api/dashboard/browser":          {},
	"api/dashboard/build":            {},
	"cmd/orderfold/bench":            {},
	"cmd/orderfold":                  {"cmd/orderfold/bench", "api", "api/access", "api/client", "eventlog", "eventlog/embedded", "projector", "projector/decode", "projector/feed", "projector/fold", "projector/rebuild", "projector/views", "receiver", "receiver/platform", "receiver/platform/platformtest", "statemachine"},
}

var onlyIn = map[string]string{
	"github.com/nats-io/nats.go":      "eventlog, api/client/subscribe",
	"github.com/nats-io/nats-server/": "eventlog/embedded",
	"modernc.org/sqlite":              "projector/views",
	"database/sql":                    "projector/views, projector/views/list",
	"github.com/labstack/echo":        "api",
	"github.com/danielgtaylor/":       "api",
	"github.com/evanw/esbuild":        "api/dashboard/build",
	"github.com/chromedp/":            "api/dashboard/browser",
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	Dir        string
	GoFiles    []string
}

func listPackages(t *testing.T) []listedPackage {
	list := exec.Command("go", "list", "-json=ImportPath,Imports,Dir,GoFiles", module+"/...")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())
	var packages []listedPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
}

func TestPackagesImportOnlyWhatTheHouseRulesAllow(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	require.GreaterOrEqual(t, len(packages), 8)
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		allowed, known := mayImport[name]
		require.True(t, known, "package %s is not in the import table", name)
		for _, imported := range p.Imports {
			if own, isOwn := strings.CutPrefix(imported, module+"/"); isOwn {
				require.Contains(t, allowed, own, "%s imports %s", name, own)
			}
			for prefix, owner := range onlyIn {
				if strings.HasPrefix(imported, prefix) {
					require.Contains(t, strings.Split(owner, ", "), name, "only %s may import %s", owner, imported)
				}
			}
		}
	}
}

func TestTheAPIUsesOnlyValuesOfTheViews(t *testing.T) {
	t.Parallel()
	forEachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		if filepath.Base(filepath.Dir(path)) != "api" || strings.HasSuffix(path, "_test.go") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "views" && x.Obj == nil {
					require.NotContains(t, []string{"Store", "Open", "Options"}, s.Sel.Name, "%s", path)
				}
			}
			return true
		})
	})
}

const (
	maxFunctionLines = 60
	maxFileLines     = 400
	maxMethods       = 4
)

func TestEveryFileKeepsToTheSizeBudget(t *testing.T) {
	t.Parallel()
	forEachFile(t, func(path string, file *ast.File, set *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") || ast.IsGenerated(file) {
			return
		}
		require.LessOrEqual(t, set.File(file.Pos()).LineCount(), maxFileLines, "%s is too long", path)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				lines := set.Position(n.End()).Line - set.Position(n.Pos()).Line + 1
				require.LessOrEqual(t, lines, maxFunctionLines, "%s: %s is too long", path, n.Name.Name)
			case *ast.InterfaceType:
				require.LessOrEqual(t, n.Methods.NumFields(), maxMethods, "%s: an interface is too wide", path)
			}
			return true
		})
	})
}

func TestEveryExportedIdentifierIsDocumented(t *testing.T) {
	t.Parallel()
	forEachFile(t, func(path string, file *ast.File, _ *token.FileSet) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && exportedReceiver(d) {
					require.NotNil(t, d.Doc, "%s: %s is not documented", path, d.Name.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					requireSpecDocumented(t, path, d, s)
				}
			}
		}
	})
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	name, ok := typ.(*ast.Ident)
	return ok && name.IsExported()
}

// requireSpecDocumented accepts a comment on the group, above the line or beside it.
func requireSpecDocumented(t *testing.T, path string, d *ast.GenDecl, s ast.Spec) {
	switch s := s.(type) {
	case *ast.TypeSpec:
		require.True(t, !s.Name.IsExported() || d.Doc != nil || s.Doc != nil, "%s: %s is not documented", path, s.Name.Name)
	case *ast.ValueSpec:
		for _, name := range s.Names {
			require.True(t, !name.IsExported() || d.Doc != nil || s.Doc != nil || s.Comment != nil,
				"%s: %s is not documented", path, name.Name)
		}
	}
}

func forEachFile(t *testing.T, f func(path string, file *ast.File, set *token.FileSet)) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	count := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		require.NoError(t, err)
		f(path, file, set)
		count++
		return nil
	}))
	require.Greater(t, count, 20)
}

func TestTheTopLevelFollowsTheHouseRules(t *testing.T) {
	t.Parallel()
	entries, err := filepath.Glob("../../*")
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, filepath.Base(e))
	}
	for _, due := range []string{"cmd", "receiver", "projector", "eventlog", "statemachine", "api", "docker-compose.yml",
		"Makefile", "go.mod", "go.sum", "README.md", "LICENSE", "docs"} {
		require.Contains(t, names, due)
	}
	for _, banned := range []string{"internal", "pkg", "util", "common", "models", "types", "config", "mocks"} {
		require.False(t, slices.Contains(names, banned), "%s has no place here", banned)
	}
}
