package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// listenAll opens the listeners of the roles. One error contains all addresses that are already
// taken, including that of the embedded log's server, which opens its own listener later.
func (sv *service) listenAll(r roles) error {
	s := sv.settings
	var taken, others []string
	for _, l := range []struct {
		due              bool
		name, flag, addr string
	}{
		{r.receiver, "receiver", "--receiver-addr", s.receiver.addr},
		{r.api, "api", "--api-addr", s.api.addr},
		{s.metrics != "", "metrics", "--metrics-addr", s.metrics},
		{s.log.url == "" && s.log.addr != "", "", "--nats-addr", s.log.addr},
	} {
		if !l.due {
			continue
		}
		switch err := sv.listen(l.name, l.addr); {
		case errors.Is(err, syscall.EADDRINUSE):
			taken = append(taken, l.flag+" "+l.addr)
		case err != nil:
			others = append(others, fmt.Sprintf("%s %s: %v; choose another address", l.flag, l.addr, err))
		}
	}
	if len(taken) > 0 {
		others = append([]string{"already in use: " + strings.Join(taken, ", ") +
			"; stop the program that listens there (another orderfold?), or choose another address, for example with port 0"}, others...)
	}
	if len(others) > 0 {
		return errors.New(strings.Join(others, "; "))
	}
	return nil
}

// listen opens a listener. A listener without a name is closed at once; it only checks that the
// address is free.
func (sv *service) listen(name, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if name == "" {
		return l.Close()
	}
	sv.listeners[name] = l
	// A server closes its own listener. This closes the listeners of servers that were never
	// started.
	sv.closeLast(func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}
