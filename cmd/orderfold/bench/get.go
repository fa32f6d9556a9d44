package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Client asks for answers as they are, without compression.
var Client = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// Get reads an answer 200. It lets the service wait up to 30 s for what the URL asks to wait for.
func Get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	request.Header.Set("Prefer", "wait=30")
	response, err := Client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return body, nil
}

// Read asks for paths on that many connections for a while, each as fast as it is answered and once at
// least, and returns how many answers came in a second.
func Read(ctx context.Context, addr string, connections int, duration time.Duration, path func() string) (rate float64, err error) {
	begin := time.Now()
	var total atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			c, err := dial(ctx, addr)
			if err != nil {
				return err
			}
			defer c.Close()
			for ctx.Err() == nil {
				if _, err := c.get(path()); err != nil {
					return err
				}
				total.Add(1)
				if time.Since(begin) >= duration {
					return nil
				}
			}
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return 0, fmt.Errorf("bench: load: %w", err)
	}
	return float64(total.Load()) / time.Since(begin).Seconds(), nil
}
