package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// apiClient asks the API for the commands that print what it says.
type apiClient struct{ url, key string }

var apiTransport = &http.Client{Timeout: 30 * time.Second}

// maxAnswer bounds what is read of one answer.
const maxAnswer = 64 << 20

func (c apiClient) get(ctx context.Context, path string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, path)
}

func (c apiClient) do(ctx context.Context, method, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is not the URL of an API", c.url)
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	response, err := apiTransport.Do(request)
	if err != nil {
		return nil, fmt.Errorf("the API does not answer: %w; is orderfold serve running, and does --api-url name it?", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("the API's answer was cut: %w", err)
	}
	if response.StatusCode/100 != 2 {
		var problem struct{ Title, Detail string }
		_ = json.Unmarshal(body, &problem) // a foreign server may answer anything; the status says enough
		return nil, fmt.Errorf("the API answers %s: %s. %s", response.Status, problem.Title, problem.Detail)
	}
	return body, nil
}
