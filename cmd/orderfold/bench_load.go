package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// postFor posts order notifications on that many connections for a while and returns how long each took. It speaks HTTP by hand:
// net/http's client would cost more than the receiver that is measured.
func postFor(ctx context.Context, addr string, connections int, duration time.Duration) ([]time.Duration, error) {
	end := time.Now().Add(duration)
	each := make([][]time.Duration, connections)
	group, ctx := errgroup.WithContext(ctx)
	for i := range connections {
		group.Go(func() (err error) {
			each[i], err = postOne(ctx, addr, i, end)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("bench: load: %w", err)
	}
	var all []time.Duration
	for _, latencies := range each {
		all = append(all, latencies...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("bench: load: nothing was answered within %s", duration)
	}
	return all, nil
}

func postOne(ctx context.Context, addr string, connection int, end time.Time) (latencies []time.Duration, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	reader := textproto.NewReader(bufio.NewReader(conn))
	for n := 0; ctx.Err() == nil; n++ {
		begin := time.Now()
		if begin.After(end) {
			break
		}
		if _, err := io.WriteString(conn, benchRequest(connection, n)); err != nil {
			return nil, err
		}
		status, err := reader.ReadLine()
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(status, "HTTP/1.1 200") {
			return nil, fmt.Errorf("the receiver answers %s", status)
		}
		for line := status; line != ""; { // the answer has no body
			if line, err = reader.ReadLine(); err != nil {
				return nil, err
			}
		}
		latencies = append(latencies, time.Since(begin))
	}
	return latencies, ctx.Err()
}

// benchRequest is a notification of ordinary size; every five are of one order.
func benchRequest(connection, n int) string {
	body := fmt.Sprintf(`{"orderId":"6f1c1b1e-0d2a-4f0e-%04x-%012x","externalId":"ord-%09d","status":"PARTIALLY_FILLED",`+
		`"notificationType":"UPDATED","modifiedOn":"2026-03-02T09:31:07.%03dZ","isin":"DE0007164600","tradeSide":"BUY",`+
		`"quantity":100,"executionData":{"quantity":40,"executionPrice":101.25,"executionAmount":4050.00}}`,
		connection, n/5, n, n%1000)
	return fmt.Sprintf("POST /traditional-asset-order-notification HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", len(body), body)
}
