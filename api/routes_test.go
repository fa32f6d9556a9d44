package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryRouteIsDescribedAndEveryDescribedRouteExists(t *testing.T) {
	a, err := build(Options{})
	require.NoError(t, err)
	var served, described []string
	for _, r := range a.echo.Routes() {
		if r.Method != http.MethodHead && r.Path != filesPath && !slices.Contains(screens, r.Path) { // which are not part of the API
			served = append(served, r.Method+" "+r.Path)
		}
	}
	for path, item := range a.huma.OpenAPI().Paths {
		for _, op := range operations(item) {
			described = append(described, op.Method+" "+parameterNames.Replace(path))
			require.NotEmpty(t, op.Summary, path)
			require.NotEmpty(t, strings.TrimSpace(op.Description), path)
		}
	}
	require.ElementsMatch(t, served, described)
}

func TestEveryDescriptionBelongsToAnOperation(t *testing.T) {
	a, err := build(Options{})
	require.NoError(t, err)
	known := map[string]bool{}
	for _, item := range a.huma.OpenAPI().Paths {
		for _, op := range operations(item) {
			known[op.OperationID] = true
		}
	}
	for id := range descriptions {
		require.Contains(t, known, id)
	}
}
