package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"slices"
	"strconv"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// StreamFigure is one row of bench stream.
type StreamFigure struct {
	Readers   int     `json:"readers"`
	Interval  int     `json:"intervalMilliseconds,omitempty"` // see StreamOptions
	Events    int     `json:"events"`                         // received by each reader: every order once
	P50       float64 `json:"p50Milliseconds"`                // from visible to delivered
	P99       float64 `json:"p99Milliseconds"`
	PostP50   float64 `json:"postP50Milliseconds"`
	PostP99   float64 `json:"postP99Milliseconds"`
	Slower    float64 `json:"postsSlower"` // PostP50 relative to that without readers
	SlowerP99 float64 `json:"postsSlowerP99"`
	CPU       float64 `json:"cpu"` // processors that the service keeps busy
	Peak      float64 `json:"peakMiB"`
}

// The goals from visible to delivered, in milliseconds, and for the effect of readers on posts.
const (
	streamGoalP50 = 5.0
	streamGoalP99 = 30.0
	slowerGoal    = 1.2
)

// StreamOptions contains the settings of bench stream.
type StreamOptions struct {
	RateOptions
	Interval int // milliseconds from one send to the next, see interval in GET /v1/stream
	Rounds   int // measurements of each number of readers, in turn; the medians count
}

// Stream measures the time from when an order is visible until each reader of the stream has
// received it. The first row is without readers.
func Stream(ctx context.Context, o StreamOptions) (figures []StreamFigure, err error) {
	counts := append([]int{0}, o.Readers...)
	runs := make([][]StreamFigure, len(counts))
	for range o.Rounds {
		for i, readers := range counts {
			f, err := o.stream(ctx, readers)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], f)
		}
	}
	for _, of := range runs {
		f := medians(of)
		figures = append(figures, f)
		last := &figures[len(figures)-1]
		last.Slower, last.SlowerP99 = f.PostP50/figures[0].PostP50, f.PostP99/figures[0].PostP99
	}
	return figures, nil
}

// medians returns the median of each figure.
func medians(runs []StreamFigure) StreamFigure {
	f := runs[0]
	for _, field := range []func(*StreamFigure) *float64{
		func(f *StreamFigure) *float64 { return &f.P50 }, func(f *StreamFigure) *float64 { return &f.P99 },
		func(f *StreamFigure) *float64 { return &f.PostP50 }, func(f *StreamFigure) *float64 { return &f.PostP99 },
		func(f *StreamFigure) *float64 { return &f.CPU }, func(f *StreamFigure) *float64 { return &f.Peak },
	} {
		var all []float64
		for i := range runs {
			all = append(all, *field(&runs[i]))
		}
		slices.Sort(all)
		*field(&f) = all[len(all)/2]
	}
	return f
}

const (
	// promptReaders is the number of readers that record when each event arrives. The others only
	// read what has arrived every lazyPause, because readers on other machines would not take
	// processor time from the service either.
	promptReaders = 10
	lazyPause     = 50 * time.Millisecond
)

// times contains a time for each record, in nanoseconds since the beginning; 0 means not yet.
type times []atomic.Int64

func (t times) note(sequence uint64, begin time.Time) {
	if sequence < uint64(len(t)) {
		t[sequence].CompareAndSwap(0, int64(time.Since(begin)))
	}
}

func (o *StreamOptions) stream(ctx context.Context, readers int) (f StreamFigure, err error) {
	s, err := o.start(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	total := int(float64(o.Rate) * o.Duration.Seconds())
	streams := make([]*stream, readers)
	for i := range streams {
		if streams[i], err = s.follow(ctx, total, o.Interval); err != nil {
			return f, err
		}
		defer streams[i].connection.Close()
	}
	m, err := s.meter(ctx)
	if err != nil {
		return f, err
	}
	begin, visible, newest := time.Now(), make(times, warmUp+total+1), make(chan acknowledged)
	group, groupCtx := errgroup.WithContext(ctx)
	for i, reader := range streams {
		pause := time.Duration(0)
		if i >= promptReaders {
			pause = lazyPause
		}
		group.Go(func() error { return reader.read(begin, o.Duration+30*time.Second, pause) })
	}
	group.Go(func() error { return watchVisible(groupCtx, s.api, newest, visible, begin) })
	posts, err := postAt(groupCtx, s.receiver, o.Rate, o.Duration, func(a acknowledged) {
		select {
		case newest <- a:
		default: // a record is already being waited for
		}
	})
	close(newest)
	if err = errors.Join(group.Wait(), err); err != nil {
		return f, err
	}
	f = StreamFigure{Readers: readers, Interval: o.Interval, Events: total, PostP50: milliseconds(posts, 0.5), PostP99: milliseconds(posts, 0.99)}
	f.P50, f.P99 = delays(visible, streams[:min(readers, promptReaders)])
	_, f.CPU, f.Peak, err = m.end(ctx)
	return f, err
}

// watchVisible records when each of the records becomes visible.
func watchVisible(ctx context.Context, addr string, newest <-chan acknowledged, visible times, begin time.Time) error {
	c, err := dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	for a := range newest {
		if _, err := c.getAt(a.order, a.sequence); err != nil {
			return fmt.Errorf("bench: read order %s: %w", a.order, err)
		}
		visible.note(a.sequence, begin)
	}
	return nil
}

// delays returns quantiles of the time from visible to delivered. If an event was received before
// its order was seen to be visible, its delay is 0.
func delays(visible times, streams []*stream) (p50, p99 float64) {
	var all []time.Duration
	for sequence := range visible {
		if at := visible[sequence].Load(); at > 0 {
			for _, s := range streams {
				all = append(all, time.Duration(max(s.delivered[sequence].Load()-at, 0)))
			}
		}
	}
	slices.Sort(all)
	return milliseconds(all, 0.5), milliseconds(all, 0.99)
}

// stream is one reader.
type stream struct {
	connection *connection
	delivered  times
	left       int // events still expected
}

// follow opens a stream that will receive that many new orders.
func (s *service) follow(ctx context.Context, orders, interval int) (*stream, error) {
	c, err := dial(ctx, s.api)
	if err != nil {
		return nil, err
	}
	c.reader = bufio.NewReaderSize(c.Conn, 64<<10)
	if _, err = fmt.Fprintf(c, "GET /v1/stream?snapshot=false&interval=%d HTTP/1.1\r\nHost: localhost\r\n\r\n", interval); err == nil {
		err = c.header()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: stream: %w", err), c.Close())
	}
	return &stream{connection: c, delivered: make(times, warmUp+orders+1), left: orders}, nil
}

// header reads the header of an answer 200.
func (c *connection) header() error {
	line, err := c.reader.ReadSlice('\n')
	if err == nil && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		err = fmt.Errorf("the server answers %q", line)
	}
	for err == nil && len(line) > len("\r\n") {
		line, err = c.reader.ReadSlice('\n')
	}
	return err
}

var idLine = []byte("\nid: ")

// read records when each event arrives, until all have arrived. It pauses before each read.
func (s *stream) read(begin time.Time, patience, pause time.Duration) error {
	if err := s.connection.SetReadDeadline(begin.Add(patience)); err != nil {
		return err
	}
	body := httputil.NewChunkedReader(s.connection.reader)
	block, kept := make([]byte, 64<<10), 0
	for s.left > 0 {
		if s.connection.reader.Buffered() == 0 {
			time.Sleep(pause)
		}
		n, err := body.Read(block[kept:])
		kept = s.take(block[:kept+n], begin)
		if err == io.EOF {
			err = errors.New("the service ended the stream")
		}
		if err != nil && s.left > 0 {
			return fmt.Errorf("bench: stream: %d events did not come: %w", s.left, err)
		}
		if kept == len(block) {
			return errors.New("bench: stream: an event is too large")
		}
	}
	return nil
}

// take records the events in a block. It moves what may be the beginning of the next id to the
// front, and returns its length.
func (s *stream) take(block []byte, begin time.Time) (kept int) {
	rest := block
	for {
		at := bytes.Index(rest, idLine)
		if at < 0 {
			break
		}
		text := rest[at+len(idLine):]
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return copy(block, rest[at:])
		}
		number, _, _ := bytes.Cut(text[:end], []byte("-"))
		if sequence, err := strconv.ParseUint(string(number), 10, 64); err == nil && sequence < uint64(len(s.delivered)) && s.delivered[sequence].Load() == 0 {
			s.delivered.note(sequence, begin)
			s.left--
		}
		rest = text[end:]
	}
	return copy(block, rest[max(0, len(rest)-len(idLine)+1):])
}

// PrintStream prints a table and which goals are met.
func PrintStream(to io.Writer, figures []StreamFigure) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "readers\tdelivered after ms: p50\tp99\tgoals\tposts ms: p50\tp99\tslower: p50\tp99\tgoal\tprocessors busy\tpeak MiB\t")
	for _, f := range figures {
		if f.Readers == 0 {
			fmt.Fprintf(w, "0\t\t\t\t%.2f\t%.2f\t\t\t\t%.2f\t%.0f\t\n", f.PostP50, f.PostP99, f.CPU, f.Peak)
			continue
		}
		goals := fmt.Sprintf("every %d ms", f.Interval)
		if f.Interval == 0 {
			goals = fmt.Sprintf("p50 %g %s, p99 %g %s", streamGoalP50, verdict(f.P50 <= streamGoalP50), streamGoalP99, verdict(f.P99 <= streamGoalP99))
		}
		fmt.Fprintf(w, "%d\t%.2f\t%.2f\t%s\t%.2f\t%.2f\t%.2f×\t%.2f×\t%g× %s\t%.2f\t%.0f\t\n", f.Readers, f.P50, f.P99, goals, f.PostP50, f.PostP99,
			f.Slower, f.SlowerP99, slowerGoal, verdict(max(f.Slower, f.SlowerP99) <= slowerGoal), f.CPU, f.Peak)
	}
	return w.Flush()
}
