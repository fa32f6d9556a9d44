package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// connection implements HTTP itself: the client of net/http would cost more than the service that
// is measured.
type connection struct {
	net.Conn
	reader *bufio.Reader
	buffer []byte
}

func dial(ctx context.Context, addr string) (*connection, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, reader: bufio.NewReader(c)}, nil
}

// get requests a path and returns the position of the views in the answer 200.
func (c *connection) get(path string) (at uint64, err error) {
	c.buffer = fmt.Appendf(c.buffer[:0], "GET %s HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=30\r\n\r\n", path)
	if _, err := c.Write(c.buffer); err != nil {
		return 0, err
	}
	return c.answer()
}

var (
	logSequence   = []byte("Log-Sequence: ")
	contentLength = []byte("Content-Length: ")
)

// answer reads an answer 200, discards its body and returns its Log-Sequence, or 0 if there is
// none.
func (c *connection) answer() (sequence uint64, err error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return 0, fmt.Errorf("the server answers %q", line)
	}
	length := -1
	for len(line) > len("\r\n") {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if text, ok := bytes.CutPrefix(line, contentLength); ok {
			length, err = strconv.Atoi(string(bytes.TrimSpace(text)))
		} else if text, ok := bytes.CutPrefix(line, logSequence); ok {
			sequence, err = strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
		}
		if err != nil {
			return 0, err
		}
	}
	if length < 0 {
		return 0, errors.New("an answer of unknown length")
	}
	_, err = c.reader.Discard(length)
	return sequence, err
}

// Post posts notifications of new orders until the duration has passed. Each connection posts the
// next one as soon as the previous one is answered. Post returns the latencies in ascending order,
// and the time until the last answer.
func Post(ctx context.Context, addr string, connections int, duration time.Duration) (ascending []time.Duration, took time.Duration, err error) {
	begin := time.Now()
	end := begin.Add(duration)
	each := make([][]time.Duration, connections)
	group, ctx := errgroup.WithContext(ctx)
	for i := range connections {
		group.Go(func() (err error) {
			each[i], err = postUntil(ctx, addr, i, end)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, 0, fmt.Errorf("bench: load: %w", err)
	}
	took = time.Since(begin)
	ascending = slices.Concat(each...)
	slices.Sort(ascending)
	return ascending, took, nil
}

func postUntil(ctx context.Context, addr string, number int, end time.Time) (latencies []time.Duration, err error) {
	c, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	n := newNotification(number)
	for i := 0; ctx.Err() == nil; i++ {
		begin := time.Now()
		if i > 0 && begin.After(end) {
			break
		}
		if _, err := c.Write(n.of(i, i)); err != nil {
			return nil, err
		}
		if _, err := c.answer(); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(begin))
	}
	return latencies, ctx.Err()
}

// notification is the text of a request of typical size. Each use overwrites the previous one.
type notification struct {
	text                             []byte
	order, second, minutes, executed []byte // parts of text
	id                               []byte // the whole id of the order
}

// newNotification returns a notification for the orders with that number.
func newNotification(number int) *notification {
	const order, second, executed = "OOOOOOOOOOOO", "SS.MMM", "EEEEEE"
	body := fmt.Sprintf(`{"orderId":"6f1c1b1e-0d2a-4f0e-%04x-%s","externalId":"ord-000123","status":"PARTIALLY_FILLED",`+
		`"notificationType":"UPDATED","modifiedOn":"2026-03-02T09:NN:%sZ","isin":"DE0007164600","tradeSide":"BUY",`+
		`"quantity":2000000,"executionData":{"quantity":1%s,"executionPrice":101.25,"executionAmount":4050.00}}`,
		number, order, second, executed)
	text := []byte(fmt.Sprintf("POST /traditional-asset-order-notification HTTP/1.1\r\nHost: bench\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	place := func(of string) []byte {
		at := bytes.Index(text, []byte(of))
		return text[at : at+len(of)]
	}
	n := &notification{text: text, order: place(order), second: place(second), minutes: place("NN"), executed: place(executed)}
	id := strings.Index(string(text), "6f1c1b1e")
	n.id = text[id : id+len("6f1c1b1e-0d2a-4f0e-0000-")+len(order)]
	return n
}

// of returns the request for an order that was modified at that millisecond of the hour. In each
// millisecond, one more unit is executed.
func (n *notification) of(order, millisecond int) []byte {
	digits(n.order, order)
	digits(n.second[3:], millisecond)
	digits(n.second[:2], millisecond/1000%60)
	digits(n.minutes, millisecond/60_000%60)
	digits(n.executed, millisecond)
	return n.text
}

// digits writes the last digits of a number.
func digits(to []byte, n int) {
	for i := len(to) - 1; i >= 0; i, n = i-1, n/10 {
		to[i] = byte('0' + n%10)
	}
}

// milliseconds returns a quantile of durations in ascending order.
func milliseconds(ascending []time.Duration, q float64) float64 {
	if len(ascending) == 0 {
		return 0
	}
	return ascending[int(q*float64(len(ascending)-1))].Seconds() * 1e3
}
