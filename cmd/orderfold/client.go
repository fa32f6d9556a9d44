package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/orderfold/orderfold/api/client"
)

// apiAccess contains how a command reaches the API of a running service.
type apiAccess struct{ url, key, ca string }

func (a *apiAccess) register(f *flagSet) {
	a.registerAs(f, "http://127.0.0.1:8081", "`URL` of the read API", "key for the read API")
}

// registerKeyed is like register, for a command that changes something.
func (a *apiAccess) registerKeyed(f *flagSet) {
	a.registerAs(f, "http://127.0.0.1:8081", "`URL` of the API of the service", "key of the role operator")
}

// registerAs is like register, for a command that uses the API in another way, or does not need it.
func (a *apiAccess) registerAs(f *flagSet, byDefault, url, key string) {
	defer f.group("The API")()
	f.StringVar(&a.url, "api-url", byDefault, url)
	f.StringVar(&a.key, "api-key", "", key+"; better in the environment, because the process list shows flags")
	f.StringVar(&a.ca, "api-ca", "", "`file` of certificates to trust for --api-url, in addition to those that the system trusts")
}

// client returns a client for the commands that print answers of the API.
func (a *apiAccess) client() (*client.Client, error) { return a.clientAs("api-url", "api-ca") }

// clientAs is like client, with flags other than those of register.
func (a *apiAccess) clientAs(url, ca string) (*client.Client, error) {
	asking, err := a.http(ca)
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Options{URL: a.url, Key: a.key, HTTP: asking})
	if err != nil {
		return nil, usagef("--%s: %v", url, err)
	}
	return c, nil
}

// http returns a client that trusts the certificates in the file that the flag ca names.
func (a *apiAccess) http(ca string) (*http.Client, error) {
	if a.ca == "" {
		return http.DefaultClient, nil
	}
	roots, err := trusted(a.ca)
	if err != nil {
		return nil, usagef("--%s: %v", ca, err)
	}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots}}}, nil
}

// trusted returns the certificates that the system trusts and those in the file.
func trusted(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a machine without root certificates
	}
	if !roots.AppendCertsFromPEM(bytes.TrimPrefix(text, []byte(byteOrderMark))) {
		return nil, fmt.Errorf("%s: the file contains no certificate in PEM form", file)
	}
	return roots, nil
}

// hinted adds a hint about the flags of a command. All other errors of the API already state what
// to do.
func hinted(err error) error {
	switch {
	case errors.Is(err, client.ErrUnauthorized):
		return fmt.Errorf("%w A command sends the key of --api-key or of %s: only the key, without its name and role", err, twin("api-key"))
	case err == nil || errors.As(err, new(*client.Error)) || !strings.Contains(err.Error(), "does not answer"):
		return err
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return fmt.Errorf("%w; name the certificate, or that of its authority, with --api-ca, and use a host name for which it is valid", err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w; use http://", err)
	}
	return fmt.Errorf("%w; check that orderfold serve is running and that --api-url names it", err)
}
