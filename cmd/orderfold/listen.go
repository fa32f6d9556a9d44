package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// listenAll opens the listeners that the roles need. One error names all addresses that are taken, that of the embedded log's
// server included, which opens its own listener later.
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

// listen opens a listener. One without a name is closed at once: it was opened to see whether the address is free.
func (sv *service) listen(name, addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	if name == "" {
		return l.Close()
	}
	sv.listeners[name] = l
	// A server closes its listener itself; this is for those that were never started.
	sv.closeLast(func() error {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}
