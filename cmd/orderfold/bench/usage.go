package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// usage is what a service uses of the machine.
type usage struct {
	cpu    float64 // processor time in seconds since the start
	memory float64 // resident memory in bytes
}

// usage reads the service's own metrics.
func (s *service) usage(ctx context.Context) (u usage, err error) {
	body, err := s.get(ctx, "/metrics")
	if err != nil {
		return u, err
	}
	found := 0
	for lines := bufio.NewScanner(bytes.NewReader(body)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		var to *float64
		switch name {
		case "process_cpu_seconds_total":
			to = &u.cpu
		case "process_resident_memory_bytes":
			to = &u.memory
		default:
			continue
		}
		if *to, err = strconv.ParseFloat(value, 64); err != nil {
			return u, fmt.Errorf("bench: metrics: %w", err)
		}
		found++
	}
	if found != 2 {
		return u, errors.New("bench: the service does not measure its processor time and memory on this system")
	}
	return u, nil
}

// meter measures what a service uses during a measurement.
type meter struct {
	service *service
	begin   time.Time
	first   usage
	stop    context.CancelFunc
	ended   chan struct{}
	peak    float64
	err     error
}

// peakInterval is the interval at which the memory is read.
const peakInterval = 250 * time.Millisecond

func (s *service) meter(ctx context.Context) (*meter, error) {
	first, err := s.usage(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	m := &meter{service: s, begin: time.Now(), first: first, peak: first.memory, stop: cancel, ended: make(chan struct{})}
	go m.watch(ctx)
	return m, nil
}

func (m *meter) watch(ctx context.Context) {
	defer close(m.ended)
	ticker := time.NewTicker(peakInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		u, err := m.service.usage(ctx)
		if ctx.Err() != nil {
			return
		}
		if m.err = err; err != nil {
			return
		}
		m.peak = max(m.peak, u.memory)
	}
}

// end returns the processor time used in seconds, the number of processors kept busy, and the
// maximum memory in MiB.
func (m *meter) end(ctx context.Context) (cpu, share, peak float64, err error) {
	m.stop()
	<-m.ended
	last, err := m.service.usage(ctx)
	if err = errors.Join(m.err, err); err != nil {
		return 0, 0, 0, err
	}
	cpu = last.cpu - m.first.cpu
	return cpu, cpu / time.Since(m.begin).Seconds(), max(m.peak, last.memory) / (1 << 20), nil
}
