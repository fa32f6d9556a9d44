package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/orderfold/orderfold/projector"
)

// buildVersion is set by the Makefile: -ldflags "-X main.buildVersion=…".
var buildVersion = ""

// versionText is the version of this build, or what the Go tool knows of it.
func versionText() string {
	if buildVersion != "" {
		return buildVersion
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

func (p *program) version(_ context.Context, args []string) error {
	var asJSON bool
	if _, err := p.flags("version", "", args, func(f *flag.FlagSet) {
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(map[string]string{"version": versionText(), "foldVersion": projector.FoldVersion(),
			"go": runtime.Version()})
	}
	_, err := fmt.Fprintf(p.stdout, "orderfold %s (fold version %s, %s)\n", versionText(), projector.FoldVersion(), runtime.Version())
	return err
}
