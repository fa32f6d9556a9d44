// Package bench measures a whole service from outside, as people run it: it starts the service in a
// process of its own, and is its client in this process.
package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Place contains the settings of every measurement: the program to run and the folder for its data.
type Place struct {
	Binary string // the orderfold to measure
	Dir    string // folder for its data; the disk of the folder is measured
}

// startPatience is the maximum time that a service may take to become ready, and to stop.
const startPatience = time.Minute

// service is a running `orderfold serve` with an empty log.
type service struct {
	receiver, api string // host:port
	cmd           *exec.Cmd
	dir           string
	stderr        tail
	exited        chan error
}

// warmUp is the number of notifications that a service receives before it is measured, because the
// first ones are slow.
const warmUp = 500

// start starts a service, waits until it is ready, and posts warmUp notifications. The caller must
// stop the service.
func (p *Place) start(ctx context.Context, flags ...string) (_ *service, err error) {
	s := &service{exited: make(chan error, 1)}
	if s.dir, err = os.MkdirTemp(p.Dir, "orderfold-bench-"); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	flags = append([]string{"serve", "--data", filepath.Join(s.dir, "data"), "--receiver-addr", "127.0.0.1:0", "--api-addr", "127.0.0.1:0",
		"--nats-addr", "", "--log-level", "warn"}, flags...)
	s.cmd = exec.Command(p.Binary, flags...) // stop ends it and waits for it; ctx does not
	s.cmd.Env = without(os.Environ(), "ORDERFOLD_")
	s.cmd.Stderr = &s.stderr
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: start %s: %w", p.Binary, err), os.RemoveAll(s.dir))
	}
	listening := make(chan struct{})
	go s.watch(out, listening)
	if err = s.awaitReady(ctx, listening); err == nil {
		const number = 0xffff // no measurement has these orders
		_, err = s.postAll(ctx, number, warmUp, 1)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// without removes the variables with that prefix, so that the caller's settings do not affect the
// measurement.
func without(environ []string, prefix string) (left []string) {
	for _, v := range environ {
		if !strings.HasPrefix(v, prefix) {
			left = append(left, v)
		}
	}
	return left
}

// watch reads the addresses that the service prints, and waits for the service to end.
func (s *service) watch(out io.Reader, listening chan<- struct{}) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, addr, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		addr = strings.TrimPrefix(strings.TrimSpace(addr), "http://")
		switch name {
		case "receiver":
			s.receiver = addr
		case "api":
			s.api = addr
			close(listening)
		}
	}
	s.exited <- s.cmd.Wait()
}

func (s *service) awaitReady(ctx context.Context, listening <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case <-listening:
	case err := <-s.exited:
		s.exited <- err
		return fmt.Errorf("bench: the service ended before it listened: %s", &s.stderr)
	case <-ctx.Done():
		return fmt.Errorf("bench: the service does not listen: %w: %s", ctx.Err(), &s.stderr)
	}
	for {
		_, err := s.get(ctx, "/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("bench: the service is not ready: %w: %s", err, &s.stderr)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop stops the service, kills it if it does not end by itself, and removes its files.
func (s *service) stop() error {
	err := s.cmd.Process.Signal(os.Interrupt)
	select {
	case ended := <-s.exited:
		if ended != nil {
			err = errors.Join(err, fmt.Errorf("bench: the service: %w: %s", ended, &s.stderr))
		}
	case <-time.After(startPatience):
		err = errors.Join(err, errors.New("bench: the service does not stop"), s.cmd.Process.Kill(), <-s.exited)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// get returns the body of an answer 200 of the API.
func (s *service) get(ctx context.Context, path string) ([]byte, error) {
	return Get(ctx, "http://"+s.api+path)
}

// catchUp waits until the views contain everything in the log, and returns the time taken and the
// number of records.
func (s *service) catchUp(ctx context.Context) (took time.Duration, records uint64, err error) {
	begin := time.Now()
	for {
		body, err := s.get(ctx, "/v1/status")
		if err != nil {
			return 0, 0, err
		}
		var status struct {
			AppliedSequence uint64
			Log             struct{ LastSequence uint64 }
		}
		if err := json.Unmarshal(body, &status); err != nil {
			return 0, 0, fmt.Errorf("bench: status: %w", err)
		}
		if status.AppliedSequence >= status.Log.LastSequence {
			return time.Since(begin), status.AppliedSequence, nil
		}
		select {
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tail keeps the end of the output of a process.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.text = append(t.text, b...); len(t.text) > 2000 {
		t.text = t.text[len(t.text)-2000:]
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
