package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/api/access"
)

// Access states who asks and what the caller may do.
type Access struct {
	Name *string `json:"name" example:"dashboard" doc:"Name of the key in the request; null if none is configured."`
	Role string  `json:"role" enum:"reader,operator" doc:"reader: may read. operator: may also rebuild, redrive, and add and remove subscribers. If no key is configured, every caller is an operator."`
}

type accessOutput struct {
	Body Access
}

// keyContext is the context key of the API key of a request.
type keyContext struct{}

func (a *API) registerAccess() {
	get(a, huma.Operation{OperationID: "get-access", Path: "/v1/access", Tags: []string{"operations"},
		Summary: "The key in the request, and what it allows"}, nil, a.getAccess)
}

func (a *API) getAccess(ctx context.Context, _ *struct{}) (*accessOutput, error) {
	key, found := ctx.Value(keyContext{}).(access.Key)
	if !found {
		return &accessOutput{Access{Role: string(access.Operator)}}, nil
	}
	return &accessOutput{Access{Name: known(key.Name), Role: string(key.Role)}}, nil
}
