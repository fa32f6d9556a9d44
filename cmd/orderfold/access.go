package main

import (
	"context"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
)

// accessSettings contains which callers may use the API, how often, and from which pages.
type accessSettings struct {
	keys    texts
	keyFile string
	origins texts
	limit   access.Limit
}

// keyFileInterval is the interval at which the key file is checked. A key that was removed is
// refused after about two seconds.
const keyFileInterval = time.Second

func (s *accessSettings) register(f *flagSet) {
	f.Var(&s.keys, "api-key", "name:role:key, role reader or operator; repeatable")
	f.StringVar(&s.keyFile, "api-key-file", "", "`file` with such keys, one per line, # for comments; watched for changes")
	f.Var(&s.origins, "api-cors-origin", "`origin` whose pages may read the API in a browser, such as https://dashboard.example.com; repeatable")
	f.Float64Var(&s.limit.PerSecond, "api-rate", 0, "requests per second for each key, or for each address without one; more are answered 429; 0: no limit")
	f.IntVar(&s.limit.Burst, "api-burst", 0, "requests that may come at once within --api-rate; 0: those of one second")
}

func (s *accessSettings) check() error {
	if _, err := s.parsed(); err != nil {
		return err
	}
	if err := s.limit.Check(); err != nil {
		return usagef("--api-rate, --api-burst: %v", err)
	}
	if err := access.CheckOrigins(s.origins.values); err != nil {
		return usagef("--api-cors-origin: %v", err)
	}
	return nil
}

// parsed parses --api-key.
func (s *accessSettings) parsed() ([]access.Key, error) {
	var all []access.Key
	for _, text := range s.keys.values {
		k, err := access.ParseKey(text)
		if err != nil {
			return nil, usagef("--api-key: %v", err)
		}
		all = append(all, k)
	}
	return all, nil
}

// openKeys returns the keys of the flags and the key file; the file is nil if none is named.
func (sv *service) openKeys() (*access.KeyFile, []access.Key, error) {
	s := &sv.settings.api.access
	keys, err := s.parsed()
	if err != nil || s.keyFile == "" {
		return nil, keys, err
	}
	return access.OpenKeyFile(s.keyFile, keys, sv.logger.Named("api"), sv.metrics)
}

// followKeys passes the changes of the key file to the API.
func followKeys(file *access.KeyFile, a *api.API) part {
	return part{"key file", func(ctx context.Context) error {
		ticker := time.NewTicker(keyFileInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-ticker.C:
				file.Refresh(a.ReplaceKeys)
			}
		}
	}}
}
