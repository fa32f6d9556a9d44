package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"
)

// certificateInterval is the interval at which the files of a certificate are checked while clients
// connect.
const certificateInterval = time.Second

// certificateFiles contains the names of the files of a certificate and its key. Both are empty for
// plain HTTP.
type certificateFiles struct{ certificate, key string }

// register declares --<prefix>tls-cert and --<prefix>tls-key.
func (c *certificateFiles) register(f *flagSet, prefix, what string) {
	f.StringVar(&c.certificate, prefix+"tls-cert", "", fmt.Sprintf("certificate `file`, watched for changes; with --%stls-key %s serves HTTPS", prefix, what))
	f.StringVar(&c.key, prefix+"tls-key", "", fmt.Sprintf("key `file` of --%stls-cert", prefix))
}

func (c *certificateFiles) check(prefix string) error {
	if (c.certificate == "") != (c.key == "") {
		return usagef("--%stls-cert and --%stls-key must be given together: the certificate and its key", prefix, prefix)
	}
	return nil
}

// scheme returns the scheme of the URLs of a listener.
func (c *certificateFiles) scheme() string {
	if c.certificate != "" {
		return "https"
	}
	return "http"
}

// open reads the files. The certificate is nil for plain HTTP.
func (c *certificateFiles) open(prefix string, logger *zap.Logger) (*certificate, error) {
	if c.certificate == "" {
		return nil, nil
	}
	followed := &certificate{files: *c, logger: logger}
	if err := followed.refresh(); err != nil {
		return nil, fmt.Errorf("--%stls-cert, --%stls-key: %w", prefix, prefix, err)
	}
	return followed, nil
}

// certificate is a certificate that follows its files. New connections get a certificate that
// replaces it, even one renewed in place. Files that do not belong together, or cannot be read,
// change nothing.
type certificate struct {
	files  certificateFiles
	logger *zap.Logger

	mu       sync.Mutex
	lookedAt time.Time
	found    [sha256.Size]byte // hash of the contents of the files
	current  *tls.Certificate
}

// server returns the configuration of a listener; it is nil for a nil certificate.
func (c *certificate) server() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.present(), nil }}
}

// client returns a client that reaches the listener from within the process.
func (c *certificate) client() *http.Client {
	if c == nil {
		return http.DefaultClient
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c.trusted()}}
}

// trusted returns the configuration of a client within the process; it is nil for a nil
// certificate. The client compares the certificate itself, whatever its name.
func (c *certificate) trusted() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		if !bytes.Equal(s.PeerCertificates[0].Raw, c.present().Certificate[0]) {
			return errors.New("the server that answers has another certificate")
		}
		return nil
	}}
}

func (c *certificate) present() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.lookedAt) >= certificateInterval {
		before := c.found
		switch err := c.refresh(); {
		case c.found == before:
		case err != nil:
			c.logger.Error("THE CERTIFICATE CANNOT BE USED; the previous one stays in use", zap.String("file", c.files.certificate), zap.Error(err))
		default:
			c.logger.Info("certificate replaced", zap.String("file", c.files.certificate))
		}
	}
	return c.current
}

// refresh loads the contents of the files.
func (c *certificate) refresh() error {
	c.lookedAt = time.Now()
	text, err := os.ReadFile(c.files.certificate)
	key, keyErr := os.ReadFile(c.files.key)
	err = errors.Join(err, keyErr)
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.X509KeyPair(bytes.TrimPrefix(text, []byte(byteOrderMark)), bytes.TrimPrefix(key, []byte(byteOrderMark)))
	}
	c.found = sha256.Sum256(fmt.Appendf(nil, "%x %x %v", sha256.Sum256(text), sha256.Sum256(key), err))
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	c.current = &pair
	return nil
}
