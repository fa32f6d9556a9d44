package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoOpensTheDashboardOnADesktop(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	opened := filepath.Join(folder, "opened")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "xdg-open"), []byte("#!/bin/sh\necho \"$1\" >\"$0.new\" && mv \"$0.new\" '"+opened+"'\n"), 0o700))
	cmd := exec.Command(binaries.orderfold, append([]string{"demo", "--open", "--orders", "5", "--rate", "0"}, freePorts...)...)
	cmd.Env = append(os.Environ(), "PATH="+folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	p := startCommand(t, []string{"receiver", "api", "log"}, cmd)
	require.Equal(t, "  dashboard "+p.addrs["api"]+"/", strings.Split(p.stdout.String(), "\n")[1], "its address is printed first")
	var address string
	eventually(t, "the page is opened", func() bool {
		text, err := os.ReadFile(opened)
		address = strings.TrimSpace(string(text))
		return err == nil
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	r.Header.Set("Accept", "text/html")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "text/html; charset=utf-8", response.Header.Get("Content-Type"))
	p.stop()
}
