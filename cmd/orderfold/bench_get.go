package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// getFor reads random orders on that many connections for a while and returns how many answers came. Like postFor it speaks
// HTTP by hand.
func getFor(ctx context.Context, base string, connections, orders int, duration time.Duration) (answers int64, err error) {
	end := time.Now().Add(duration)
	var total atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range connections {
		group.Go(func() error {
			n, err := getOne(ctx, strings.TrimPrefix(base, "http://"), orders, end)
			total.Add(n)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, fmt.Errorf("bench: load: %w", err)
	}
	return total.Load(), nil
}

func getOne(ctx context.Context, addr string, orders int, end time.Time) (answers int64, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	request := make([]byte, 0, 256)
	for ; ctx.Err() == nil && time.Now().Before(end); answers++ {
		request = fmt.Appendf(request[:0], "GET /v1/orders/%s HTTP/1.1\r\nHost: localhost\r\n\r\n", fillID(rand.IntN(orders)))
		if _, err := conn.Write(request); err != nil {
			return answers, err
		}
		if err := skipAnswer(reader); err != nil {
			return answers, err
		}
	}
	return answers, ctx.Err()
}

var contentLength = []byte("Content-Length: ")

// skipAnswer reads an answer 200 with a body of known length.
func skipAnswer(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("the server answers %q", line)
	}
	length := -1
	for len(line) > len("\r\n") {
		if line, err = r.ReadSlice('\n'); err != nil {
			return err
		}
		if text, ok := bytes.CutPrefix(line, contentLength); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("an answer of unknown length")
	}
	_, err = r.Discard(length)
	return err
}

var benchClient = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// getBench reads an answer 200.
func getBench(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	response, err := benchClient.Do(request)
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
