package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The operator's certificate is for another name than 127.0.0.1 and is signed by an authority that this machine does
// not trust.
func TestTheDemoPostsToAReceiverThatServesHTTPS(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"orders.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	cert, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))

	p := start(t, []string{"receiver", "api", "log"}, append([]string{"demo", "--orders", "20", "--rate", "0", "--tls-cert", cert,
		"--tls-key", keyFile}, freePorts...)...)
	require.True(t, strings.HasPrefix(p.addrs["receiver"], "https://"), p.addrs["receiver"])
	eventually(t, "everything is posted", func() bool { return strings.Contains(p.stdout.String(), "has posted everything") })
	p.stop()
}
