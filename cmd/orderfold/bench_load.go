package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
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
	reader := bufio.NewReader(conn)
	request := newBenchRequest(connection)
	for n := 0; ctx.Err() == nil; n++ {
		begin := time.Now()
		if begin.After(end) {
			break
		}
		if _, err := conn.Write(request.next(n)); err != nil {
			return nil, err
		}
		if err := readOK(reader); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
	return latencies, ctx.Err()
}

// readOK reads an answer, which has no body when it is 200.
func readOK(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("the receiver answers %q", status)
	}
	for len(status) > len("\r\n") {
		if status, err = r.ReadSlice('\n'); err != nil {
			return err
		}
	}
	return nil
}

// benchRequest is a notification of ordinary size, written over for each posting; every five are of one order.
type benchRequest struct {
	text                []byte
	order, milliseconds []byte // of text
}

func newBenchRequest(connection int) *benchRequest {
	const order, milliseconds = "OOOOOOOOOOOO", "MMM"
	body := fmt.Sprintf(`{"orderId":"6f1c1b1e-0d2a-4f0e-%04x-%s","externalId":"ord-000123","status":"PARTIALLY_FILLED",`+
		`"notificationType":"UPDATED","modifiedOn":"2026-03-02T09:31:07.%sZ","isin":"DE0007164600","tradeSide":"BUY",`+
		`"quantity":100,"executionData":{"quantity":40,"executionPrice":101.25,"executionAmount":4050.00}}`,
		connection, order, milliseconds)
	text := []byte(fmt.Sprintf("POST /traditional-asset-order-notification HTTP/1.1\r\nHost: bench\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	place := func(of string) []byte {
		at := bytes.Index(text, []byte(of))
		return text[at : at+len(of)]
	}
	return &benchRequest{text, place(order), place(milliseconds)}
}

func (r *benchRequest) next(n int) []byte {
	for i, v := len(r.order)-1, n/5; i >= 0; i, v = i-1, v/10 {
		r.order[i] = byte('0' + v%10)
	}
	for i, v := len(r.milliseconds)-1, n; i >= 0; i, v = i-1, v/10 {
		r.milliseconds[i] = byte('0' + v%10)
	}
	return r.text
}
