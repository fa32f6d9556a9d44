// Package dashboard contains the pages of the dashboard as built files, and serves them.
//
// It knows nothing of orders: the pages ask the public API, like any other program. The sources are in src, and build makes of
// them what is in dist, which is committed so that Go alone builds a binary that contains the dashboard.
//
// # Addresses
//
// Every screen is the same document with relative addresses of its files, which depend on how deep the path of the screen is. So
// the pages work behind any proxy that puts a prefix in front of the path, whether or not it says so. The files are addressed by
// a digest of all of them: a browser keeps them for a year, and never mixes two builds.
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

// Policy is the content security policy of every page: scripts and styles are files of this origin, and nothing else is loaded.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// document is every page. The arguments are what leads from the page to the folder of the files, and the links to what app.js imports.
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

// types are the media types of the files by the ends of their names. Those that the system knows differ from machine to machine.
var types = map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8"}

// imported finds a file that a script imports at once. What is imported later is in parentheses.
var imported = regexp.MustCompile(`(?:from|import)"\./([^"]+)"`)

// Handler serves the pages and their files.
type Handler struct {
	files   map[string][]byte // by name
	imports []string          // what app.js needs before it can run
	digest  string            // of all of them
}

// New returns a Handler of the files in the binary.
func New() (*Handler, error) {
	h := &Handler{files: map[string][]byte{}}
	sum := sha256.New()
	entries, err := built.ReadDir("dist") // sorted
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

// ServePage answers with the document of a screen, whichever it is.
func (h *Handler) ServePage(w http.ResponseWriter, r *http.Request) {
	depth := strings.Count(r.URL.EscapedPath(), "/") - 1
	folder := strings.Repeat("../", max(depth, 0)) + "assets/" + h.digest + "/"
	var links strings.Builder // without them a browser asks for the imports only when it has read app.js
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

// ServeFile answers with a file, and reports whether there is such a one. A file of another build is none.
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
		_, _ = w.Write(content) // whether somebody is there to take it is no matter
	}
}
