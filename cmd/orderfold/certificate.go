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

// certificateInterval is how often the files of a certificate are looked at while clients connect.
const certificateInterval = time.Second

// certificateFiles name a certificate and its key; both are empty where plain HTTP is served.
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

// scheme is that of the URLs of a listener.
func (c *certificateFiles) scheme() string {
	if c.certificate != "" {
		return "https"
	}
	return "http"
}

// open reads the files. The certificate is nil where plain HTTP is served.
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

// certificate is a certificate whose files are followed: what replaces it, also while it is renewed in place, is shown to
// those who connect from then on. Files that do not belong together, or cannot be read, change nothing.
type certificate struct {
	files  certificateFiles
	logger *zap.Logger

	mu       sync.Mutex
	lookedAt time.Time
	found    [sha256.Size]byte // in the files
	current  *tls.Certificate
}

// server is the configuration of a listener; nil of a nil certificate.
func (c *certificate) server() *tls.Config {
	if c == nil {
		return nil
	}
	return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.present(), nil }}
}

// client reaches the listener from within the process.
func (c *certificate) client() *http.Client {
	if c == nil {
		return http.DefaultClient
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c.trusted()}}
}

// trusted is the configuration of a client within the process; nil of a nil certificate. It compares the certificate itself,
// whatever name that is for.
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

// refresh takes over what is in the files.
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
