package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Subscribers returns, by name, the stream of each subscriber that has a user.
func (s *Server) Subscribers() map[string]string {
	s.usersMu.Lock()
	defer s.usersMu.Unlock()
	streams := make(map[string]string, len(s.users.Subscribers))
	for name, l := range s.users.Subscribers {
		streams[name] = l.Stream
	}
	return streams
}

// AddSubscriber makes a user who may use the consumer of that name of a stream and do nothing else, and returns the file with its URL.
// The user may connect at once, and after every restart. A user that exists for that stream stays as it is. The name is one that
// eventlog has checked: it becomes that of a file.
func (s *Server) AddSubscriber(name, stream string) (file string, err error) {
	if s.addr == "" {
		return "", &Fault{Err: errors.New("eventlog: the embedded server listens nowhere, so that no subscriber can connect"),
			Hint: "start it with --nats-addr"}
	}
	s.usersMu.Lock()
	defer s.usersMu.Unlock()
	if have, known := s.users.Subscribers[name]; !known || have.Stream != stream {
		next := s.users
		next.Subscribers = maps.Clone(s.users.Subscribers)
		if next.Subscribers == nil {
			next.Subscribers = map[string]login{}
		}
		next.Subscribers[name] = login{Stream: stream, Password: rand.Text()}
		if err := next.keep(s.dir); err != nil {
			return "", err
		}
		s.users = next
		if known { // whoever is connected has the rights of before
			err = s.guard.dismiss(name)
		}
		s.guard.admit(name, next.Subscribers[name])
	}
	return s.subscriberFile(name), errors.Join(err, s.inviteSubscriber(name))
}

// RemoveSubscriber takes the user away and ends its connections. It reports whether there was one.
func (s *Server) RemoveSubscriber(name string) (found bool, err error) {
	s.usersMu.Lock()
	defer s.usersMu.Unlock()
	if _, found = s.users.Subscribers[name]; !found {
		return false, nil
	}
	next := s.users
	next.Subscribers = maps.Clone(s.users.Subscribers)
	delete(next.Subscribers, name)
	if err := next.keep(s.dir); err != nil {
		return true, err
	}
	s.users = next
	err = s.guard.dismiss(name)
	if removing := os.Remove(s.subscriberFile(name)); !errors.Is(removing, fs.ErrNotExist) {
		err = errors.Join(err, removing)
	}
	return true, err
}

func (s *Server) subscriberFile(name string) string {
	return filepath.Join(s.dir, subscribersFolder, name+urlSuffix)
}

const urlSuffix = ".url"

// inviteSubscriber writes the file with the URL of a subscriber.
func (s *Server) inviteSubscriber(name string) error {
	err := os.Mkdir(filepath.Join(s.dir, subscribersFolder), 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		err = writeURL(s.subscriberFile(name), s.addr, name, s.users.Subscribers[name].Password)
	}
	if err != nil {
		return fmt.Errorf("eventlog: the URL of subscriber %s: %w", name, err)
	}
	return nil
}

// inviteSubscribers writes the URLs of all subscribers, since the address may be another one, and removes those of users who are gone.
// A server that listens nowhere, as for a command beside a stopped service, leaves them as they are.
func (s *Server) inviteSubscribers() error {
	s.usersMu.Lock()
	defer s.usersMu.Unlock()
	files, err := fs.Glob(os.DirFS(s.dir), subscribersFolder+"/*"+urlSuffix)
	if err != nil {
		return fmt.Errorf("eventlog: the URLs of subscribers: %w", err)
	}
	for _, file := range files {
		if _, known := s.users.Subscribers[strings.TrimSuffix(path.Base(file), urlSuffix)]; known {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, file)); err != nil {
			return fmt.Errorf("eventlog: the URLs of subscribers: %w", err)
		}
	}
	if s.addr == "" {
		return nil
	}
	for name := range s.users.Subscribers {
		if err := s.inviteSubscriber(name); err != nil {
			return err
		}
	}
	return nil
}
