package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

const filesPath = "/assets/:digest/:file"

// screens are the paths of the dashboard, to which its links point; see package dashboard.
var screens = []string{"/", "/orders", "/orders/:id", "/breaks", "/settlement", "/operations"}

// routeDashboard adds the dashboard. Its pages contain no data and need no key: they ask the API
// for their data, with the key that a person enters.
func (a *API) routeDashboard() {
	read := []string{http.MethodGet, http.MethodHead}
	for _, path := range screens {
		a.echo.Match(read, path, func(c echo.Context) error {
			if !takesPages(c.Request()) {
				return echo.ErrNotFound
			}
			a.dashboard.ServePage(c.Response(), c.Request())
			return nil
		})
	}
	a.echo.Match(read, filesPath, func(c echo.Context) error {
		if !a.dashboard.ServeFile(c.Response(), c.Request(), c.Param("digest"), c.Param("file")) {
			return echo.ErrNotFound
		}
		return nil
	})
}

// ofDashboard reports whether the request is for a page of the dashboard or one of its files.
func ofDashboard(c echo.Context) bool {
	return c.Path() == filesPath || slices.Contains(screens, c.Path()) && takesPages(c.Request())
}

// takesPages reports whether the caller accepts HTML, as browsers do. A program that wants JSON, or
// states nothing, gets the answer for an unknown path.
func takesPages(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}
