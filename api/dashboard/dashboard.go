// Package dashboard contains the pages of the dashboard as built files, and serves them.
//
// It knows nothing about orders: the pages use the public API, like any other program. The sources
// are in src. Command build generates dist from them, and dist is committed, so that Go alone can
// build a binary that contains the dashboard.
//
// # Addresses
//
// Every screen is the same document. The addresses of its files are relative and depend on the
// depth of the screen's path. So the pages work behind any proxy that adds a prefix to the path,
// whether or not it announces the prefix. The addresses of the files contain a digest of all files:
// a browser keeps them for a year and never mixes two builds.
package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
)

//go:embed dist
var built embed.FS

// Policy is the content security policy of every page. Scripts and styles are files of this origin,
// and nothing else is loaded.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// document is the template of every page. Its arguments are the path from the page to the folder of
// the files, and the links to the imports of app.js.
const document = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Orderfold</title>
<link rel="icon" href="%[1]sicon.svg">
<link rel="stylesheet" href="%[1]sapp.css">
<script type="module" src="%[1]sapp.js"></script>
%[2]s</head>
<body><noscript>The dashboard is a program that runs in the browser: allow scripts for this address.</noscript></body>
</html>
`

// types contains the media types by file extension. The types known to the system differ from
// machine to machine.
var types = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8"}

// imported matches a file that a script imports statically. Dynamic imports have parentheses.
var imported = regexp.MustCompile(`(?:from|import)"\./([^"]+)"`)

// Handler serves the pages and their files.
type Handler struct {
	files   map[string][]byte // by name
	imports []string          // what app.js needs before it can run
	digest  string            // of all files
}

// New returns a Handler of the files in the binary.
func New() (*Handler, error) {
	h := &Handler{files: map[string][]byte{}}
	sum := sha256.New()
	entries, err := built.ReadDir("dist") // in sorted order
	if err != nil {
		return nil, fmt.Errorf("dashboard: %w", err)
	}
	for _, entry := range entries {
		content, err := fs.ReadFile(built, "dist/"+entry.Name())
		if err != nil {
			return nil, fmt.Errorf("dashboard: %w", err)
		}
		h.files[entry.Name()] = content
		fmt.Fprintf(sum, "%s %d\n%s", entry.Name(), len(content), content)
	}
	if h.files["app.js"] == nil || h.files["app.css"] == nil {
		return nil, fmt.Errorf("dashboard: dist has no app.js or no app.css: run make dashboard")
	}
	for _, found := range imported.FindAllSubmatch(h.files["app.js"], -1) {
		h.imports = append(h.imports, string(found[1]))
	}
	h.digest = hex.EncodeToString(sum.Sum(nil)[:6])
	return h, nil
}

// ServePage answers with the document, for any screen.
func (h *Handler) ServePage(w http.ResponseWriter, r *http.Request) {
	depth := strings.Count(r.URL.EscapedPath(), "/") - 1
	folder := strings.Repeat("../", max(depth, 0)) + "assets/" + h.digest + "/"
	// Without the links, a browser requests the imports only after it has read app.js.
	var links strings.Builder
	for _, name := range h.imports {
		fmt.Fprintf(&links, "<link rel=\"modulepreload\" href=\"%s%s\">\n", folder, name)
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, document, folder, links.String())
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	write(w, r, page.Bytes())
}

// ServeFile answers with a file and reports whether it exists. A file of another build does not
// exist.
func (h *Handler) ServeFile(w http.ResponseWriter, r *http.Request, digest, name string) bool {
	content, found := h.files[name]
	if !found || digest != h.digest {
		return false
	}
	header := w.Header()
	header.Set("Content-Type", types[path.Ext(name)])
	header.Set("Cache-Control", "public, max-age=31536000, immutable")
	write(w, r, content)
	return true
}

// write sends content with the policy of the pages.
func write(w http.ResponseWriter, r *http.Request, content []byte) {
	w.Header().Set("Content-Security-Policy", Policy)
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(content) // it does not matter whether the client still reads
	}
}
