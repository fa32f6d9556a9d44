//go:build faults || cluster

package main

import (
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// proxy stands for the network between Orderfold and a log server.
type proxy struct {
	t        testing.TB
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	target string
	delay  time.Duration // delay of everything that is sent to the server
	cut    bool
	hold   chan struct{} // answers wait until it is closed; nil: they do not wait
	conns  map[net.Conn]bool
	closed chan struct{}
}

func newProxy(t testing.TB, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{t: t, listener: l, conns: map[net.Conn]bool{}, closed: make(chan struct{})}
	p.lead(server)
	p.running.Go(p.accept)
	t.Cleanup(func() {
		close(p.closed)
		l.Close()
		p.cutOff()
		p.running.Wait()
	})
	return p
}

func (p *proxy) url() string { return "nats://" + p.listener.Addr().String() }

// lead directs new connections to a server.
func (p *proxy) lead(server string) {
	p.t.Helper()
	u, err := url.Parse(server)
	require.NoError(p.t, err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = u.Host
}

func (p *proxy) slow(delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = delay
}

// cutOff ends all connections and accepts none until mend.
func (p *proxy) cutOff() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
}

// holdAnswers holds back what the server sends until the returned function is called.
func (p *proxy) holdAnswers() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hold := make(chan struct{})
	p.hold = hold
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hold = nil
		close(hold)
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.join(client) })
	}
}

func (p *proxy) join(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	target, cut := p.target, p.cut
	p.mu.Unlock()
	if cut {
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	if !p.note(client, server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client, p.beforeRequest) })
	both.Go(func() { p.copy(client, server, p.beforeAnswer) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, client)
	delete(p.conns, server)
}

// note records the connections, unless the network was cut off in the meantime.
func (p *proxy) note(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = true
	}
	return !p.cut
}

func (p *proxy) copy(to, from net.Conn, before func()) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			before()
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) beforeRequest() {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.closed:
	}
}

func (p *proxy) beforeAnswer() {
	p.mu.Lock()
	hold := p.hold
	p.mu.Unlock()
	if hold == nil {
		return
	}
	select {
	case <-hold:
	case <-p.closed:
	}
}
