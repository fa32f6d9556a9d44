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

// Client requests answers without compression.
var Client = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// Get returns the body of an answer 200. It allows the service up to 30 s for a wait that the URL
// requests.
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

// Read requests paths on that many connections for the duration, each request right after the
// previous answer and at least one per connection. It returns the number of answers per second.
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
