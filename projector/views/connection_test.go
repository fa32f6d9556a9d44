package views

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNoStatementIsPlannedAgainForAnotherLimit(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	lists, err := filepath.Glob("list/*.go")
	require.NoError(t, err)
	files = append(files, lists...)
	limits := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Zero(t, strings.Count(string(text), "LIMIT ?"), "%s: write LIMIT +?, see prepare", file)
		limits += strings.Count(string(text), "LIMIT +?")
	}
	require.Greater(t, limits, 10)
}
