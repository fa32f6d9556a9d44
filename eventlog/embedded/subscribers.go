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

// Subscribers returns the stream of each subscriber with a user, by name.
func (s *Server) Subscribers() map[string]string {
	s.usersMu.Lock()
	defer s.usersMu.Unlock()
	streams := make(map[string]string, len(s.users.Subscribers))
	for name, l := range s.users.Subscribers {
		streams[name] = l.Stream
	}
	return streams
}

// AddSubscriber creates a user that may only use the stream's consumer of the same name, and
// returns the file that contains its URL. The user may connect at once, and after every restart. An
// existing user for that stream keeps its password. The caller has checked the name, which becomes
// part of a path.
func (s *Server) AddSubscriber(name, stream string) (file string, err error) {
	if s.addr == "" {
		return "", &Fault{Err: errors.New("eventlog: the embedded server does not listen, so no subscriber can connect"),
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
		if known { // existing connections have rights to the previous stream
			err = s.guard.dismiss(name)
		}
		s.guard.admit(name, next.Subscribers[name])
	}
	return s.subscriberFile(name), errors.Join(err, s.inviteSubscriber(name))
}

// RemoveSubscriber removes the user and ends its connections. It reports whether the user existed.
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

// inviteSubscriber writes the file that contains the URL of a subscriber.
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

// inviteSubscribers writes the URLs of all subscribers, because the address may have changed, and
// removes those of users that no longer exist. A server that does not listen, such as that of a
// command beside a stopped service, leaves the URLs of current users unchanged.
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
