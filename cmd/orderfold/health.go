package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// healthTimeout is shorter than the timeout of a container engine for a health check.
	healthTimeout = 4 * time.Second
	maxHealth     = 1 << 10 // bytes of the answer that are printed
)

// health asks a running process whether it is ready. Its exit code is only ever 0 or 1, because
// container engines give 2 a meaning of their own.
func (p *program) health(ctx context.Context, args []string) error {
	var api apiAccess
	var url string
	_, err := p.flags("health", "", args, func(f *flagSet) {
		f.StringVar(&api.url, "api-url", "http://127.0.0.1:8081", "`URL` of the read API, whose /readyz is requested")
		f.StringVar(&url, "url", "", "full `URL` to request instead: of a receiver, a metrics listener, or a NATS server")
		f.StringVar(&api.ca, "api-ca", "", "`file` of certificates to trust, in addition to those that the system trusts")
	})
	if err == nil {
		if url == "" {
			url = strings.TrimRight(api.url, "/") + "/readyz"
		}
		err = p.askHealth(ctx, &api, url)
	}
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	return &diagnosis{exitFailed, err.Error()}
}

func (p *program) askHealth(ctx context.Context, api *apiAccess, url string) error {
	asking, err := api.http("api-ca")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health: %w; --url must be an address such as http://127.0.0.1:8081/readyz", err)
	}
	response, err := asking.Do(request)
	if err != nil {
		return fmt.Errorf("health: nothing answers: %w; start the process, or name its address with --api-url or --url", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxHealth))
	if err != nil {
		return fmt.Errorf("health: read the answer of %s: %w", url, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s answers %s: %q", url, response.Status, strings.TrimSpace(string(text)))
	}
	fmt.Fprintln(p.stdout, "ready")
	return nil
}
