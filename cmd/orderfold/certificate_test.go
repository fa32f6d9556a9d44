package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// newCertificate writes a self-signed certificate for 127.0.0.1 and its key, and replaces existing files.
func newCertificate(t testing.TB, dir string) certificateFiles {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	key, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	files := certificateFiles{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	for name, block := range map[string]pem.Block{files.certificate: {Type: "CERTIFICATE", Bytes: der}, files.key: {Type: "PRIVATE KEY", Bytes: key}} {
		require.NoError(t, os.WriteFile(name, pem.EncodeToMemory(&block), 0o600))
	}
	return files
}

func TestCommandsReachAnAPIThatIsServedOverHTTPS(t *testing.T) {
	t.Parallel()
	files := newCertificate(t, t.TempDir())
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(t.TempDir(), "data"),
		"--api-tls-cert", files.certificate, "--api-tls-key", files.key}, freePorts...)...)
	url := p.addrs["api"]
	require.True(t, strings.HasPrefix(url, "https://127.0.0.1:"), url)
	plain := strings.Replace(url, "https", "http", 1)
	other := newCertificate(t, t.TempDir())
	none := filepath.Join(t.TempDir(), "none.pem")
	require.NoError(t, os.WriteFile(none, []byte("no certificate"), 0o600))
	for _, c := range []struct {
		name string
		code int
		says string
		args []string
	}{
		{"simulated orders are compared", 0, "", []string{"simulate", "--url", p.addrs["receiver"], "--orders", "3", "--api-url", url, "--api-ca", files.certificate}},
		{"an unknown order is reported", exitFailed, "no order has the id", []string{"order", "x", "--api-url", url, "--api-ca", files.certificate}},
		{"a rebuild succeeds", 0, "", []string{"rebuild", "--api-url", url, "--api-ca", files.certificate}},
		{"the service is healthy", 0, "", []string{"health", "--api-url", url, "--api-ca", files.certificate}},
		{"health of a server with an untrusted certificate", exitFailed, "certificate", []string{"health", "--api-url", url}},
		{"a redrive succeeds", 0, "", []string{"redrive", "--api-url", url, "--api-ca", files.certificate}},
		{"an untrusted certificate", exitFailed, "with --api-ca", []string{"order", "x", "--api-url", url}},
		{"a CA file with another certificate", exitFailed, "with --api-ca", []string{"order", "x", "--api-url", url, "--api-ca", other.certificate}},
		{"a host name that is not in the certificate", exitFailed, "a host name for which it is valid", []string{"order", "x", "--api-url", strings.Replace(url, "127.0.0.1", "localhost", 1), "--api-ca", files.certificate}},
		{"plain HTTP to an HTTPS listener", exitFailed, "Use https://", []string{"order", "x", "--api-url", plain}},
		{"HTTPS to a plain HTTP listener", exitFailed, "use http://", []string{"order", "x", "--api-url", strings.Replace(p.addrs["receiver"], "http", "https", 1)}},
		{"a missing CA file", exitUsage, "--api-ca", []string{"order", "x", "--api-url", url, "--api-ca", none + "x"}},
		{"a CA file without a certificate", exitUsage, "no certificate in PEM form", []string{"order", "x", "--api-url", url, "--api-ca", none}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := execute(t, nil, c.args...)
			require.Equal(t, c.code, code, "%s%s", stdout, stderr)
			require.Contains(t, stderr, c.says)
		})
	}
	p.stop()
}

func TestTheDemoServesItsAPIOverHTTPS(t *testing.T) {
	t.Parallel()
	files := newCertificate(t, t.TempDir())
	p := start(t, []string{"receiver", "api", "log"}, append([]string{"demo", "--orders", "5", "--rate", "0",
		"--api-tls-cert", files.certificate, "--api-tls-key", files.key}, freePorts...)...)
	eventually(t, "it prints where to look", func() bool { return strings.Contains(p.stdout.String(), "/v1/stats") })
	require.Contains(t, p.stdout.String(), "curl -k '"+p.addrs["api"]+"/v1/stats'")
	p.stop()
}

func TestARenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	core, lines := observer.New(zap.InfoLevel)
	files := newCertificate(t, dir)
	c, err := files.open("api-", zap.New(core))
	require.NoError(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", c.server())
	require.NoError(t, err)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { require.NoError(t, server.Close()); <-served }()

	// shown connects after the time at which the files are checked again, and returns the certificate of the server.
	shown := func() []byte {
		c.mu.Lock()
		c.lookedAt = time.Time{}
		c.mu.Unlock()
		conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.Handshake())
		return conn.ConnectionState().PeerCertificates[0].Raw
	}
	first := shown()
	require.Equal(t, first, shown())
	require.Empty(t, lines.All())

	newCertificate(t, dir)
	second := shown()
	require.NotEqual(t, first, second, "it was replaced")
	require.Len(t, lines.FilterMessage("certificate replaced").All(), 1)
	response, err := c.client().Get("https://" + strings.Replace(listener.Addr().String(), "127.0.0.1", "localhost", 1))
	require.NoError(t, err, "the process itself reaches its listener by any name")
	require.NoError(t, response.Body.Close())

	key, err := os.ReadFile(files.key)
	require.NoError(t, err)
	faults := 0
	for name, spoil := range map[string]func() error{
		"the key belongs to another certificate": func() error { newCertificate(t, dir); return os.WriteFile(files.key, key, 0o600) },
		"the key is truncated":                   func() error { return os.WriteFile(files.key, key[:len(key)/2], 0o600) },
		"the key file is missing":                func() error { return os.Remove(files.key) },
		"the file is empty":                      func() error { return os.WriteFile(files.certificate, nil, 0o600) },
	} {
		require.NoError(t, spoil(), name)
		faults++
		require.Equal(t, second, shown(), name)
		require.Equal(t, second, shown(), name)
		require.Len(t, lines.FilterLevelExact(zap.ErrorLevel).All(), faults, "each fault is reported once: %s", name)
	}
	for _, line := range lines.All() {
		require.False(t, bytes.Contains([]byte(line.Message), []byte("PRIVATE")))
	}
	newCertificate(t, dir)
	for _, name := range []string{files.certificate, files.key} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, append([]byte(byteOrderMark), text...), 0o600))
	}
	require.NotEqual(t, second, shown(), "it was corrected, without the byte order mark")
	require.Len(t, lines.FilterMessage("certificate replaced").All(), 2)
}

func TestAProcessTrustsOnlyItsOwnCertificate(t *testing.T) {
	t.Parallel()
	own, err := newFollowed(t)
	require.NoError(t, err)
	other, err := newFollowed(t)
	require.NoError(t, err)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", other.server())
	require.NoError(t, err)
	server := &http.Server{ErrorLog: zap.NewStdLog(zap.NewNop())}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { require.NoError(t, server.Close()); <-served }()
	_, err = own.client().Get("https://" + listener.Addr().String())
	require.ErrorContains(t, err, "another certificate")
}

func newFollowed(t *testing.T) (*certificate, error) {
	files := newCertificate(t, t.TempDir())
	return files.open("", zap.NewNop())
}
