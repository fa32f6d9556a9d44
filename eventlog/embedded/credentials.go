package embedded

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
)

const (
	credentialsName = "credentials.json"
	// subscribersFolder is the folder in the data folder with a URL for each subscriber with a
	// name.
	subscribersFolder = "subscribers"
)

// passwords are those of the embedded server's users for subscribers, as stored in the data folder.
type passwords struct {
	Subscriber  string           `json:"subscriber"`
	Operator    string           `json:"operator"`
	Subscribers map[string]login `json:"subscribers,omitempty"` // by name
}

// login is the login of a subscriber with a name.
type login struct {
	Stream   string `json:"stream"` // of its consumer
	Password string `json:"password"`
}

// loadPasswords reads the passwords from the data folder, or makes them if there are none yet.
func loadPasswords(dir string) (passwords, error) {
	path := filepath.Join(dir, credentialsName)
	var p passwords
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		p = passwords{Subscriber: rand.Text(), Operator: rand.Text()}
		return p, p.keep(dir)
	}
	if err != nil {
		return passwords{}, fmt.Errorf("eventlog: read the subscribers' credentials: %w", err)
	}
	// The decoder's own error may quote the file.
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // some editors begin a file with a byte order mark
	if json.Unmarshal(data, &p) != nil || p.Subscriber == "" || p.Operator == "" {
		return passwords{}, &Fault{Err: fmt.Errorf("eventlog: %s does not contain the subscribers' credentials", path),
			Hint: "remove it to have new ones made"}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return passwords{}, fmt.Errorf("eventlog: protect the subscribers' credentials: %w", err)
	}
	return p, nil
}

// keep writes the passwords into the data folder.
func (p passwords) keep(dir string) error {
	data, err := json.Marshal(p)
	if err == nil {
		err = writeSecret(filepath.Join(dir, credentialsName), data)
	}
	if err != nil {
		return fmt.Errorf("eventlog: keep the subscribers' credentials: %w", err)
	}
	return nil
}

// writeURLs writes, for each user, the URL with which to connect to addr. If addr is empty, it
// removes the files.
func writeURLs(dir, addr string, p passwords) error {
	for user, password := range map[string]string{subscriberUser: p.Subscriber, OperatorUser: p.Operator} {
		path := filepath.Join(dir, user+".url")
		var err error
		if addr == "" {
			if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		} else {
			err = writeURL(path, addr, user, password)
		}
		if err != nil {
			return fmt.Errorf("eventlog: the URL of user %s: %w", user, err)
		}
	}
	return nil
}

// writeURL writes the URL with which a user connects to addr.
func writeURL(path, addr, user, password string) error {
	u := url.URL{Scheme: "nats", User: url.UserPassword(user, password), Host: reachable(addr)}
	return writeSecret(path, []byte(u.String()+"\n"))
}

// reachable returns an address to which a client can connect, for a listener that may be bound to
// every interface.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// writeSecret replaces a file in one step with one that only its owner may read.
func writeSecret(path string, data []byte) error { return replaceFile(path, data, true) }

// replaceFile writes a file of mode 0600 as a whole or not at all. If the file is not synced, a
// power failure can leave part of it.
func replaceFile(path string, data []byte, synced bool) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil && synced {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
