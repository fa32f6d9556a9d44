package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/orderfold/orderfold/projector/decode"
)

// buildVersion is set by the Makefile: -ldflags "-X main.buildVersion=…".
var buildVersion = ""

// versionText returns the version of this build, or what the Go toolchain recorded about it.
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
	if _, err := p.flags("version", "", args, func(f *flagSet) {
		f.BoolVar(&asJSON, "json", false, "print JSON")
	}); err != nil {
		return err
	}
	if asJSON {
		return printJSON(p.stdout, map[string]string{"version": versionText(), "foldVersion": decode.FoldVersion(),
			"go": runtime.Version()})
	}
	_, err := fmt.Fprintf(p.stdout, "orderfold %s (fold version %s, %s)\n", versionText(), decode.FoldVersion(), runtime.Version())
	return err
}
