package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/orderfold/orderfold/api/client"
)

// newClient returns a client for the commands that print what the API says.
func newClient(url, key string) (*client.Client, error) {
	c, err := client.New(client.Options{URL: url, Key: key})
	if err != nil {
		return nil, usagef("--api-url: %v", err)
	}
	return c, nil
}

// hinted says what to do about an API that does not answer; what an API answers says that itself.
func hinted(err error) error {
	if err == nil || errors.As(err, new(*client.Error)) || !strings.Contains(err.Error(), "does not answer") {
		return err
	}
	return fmt.Errorf("%w; is orderfold serve running, and does --api-url name it?", err)
}
