package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Constant returns an API like that of New, except that every GET of one order is answered with the
// same body. Requests pass through access, headers, compression, metrics and log, but no views are
// read. `orderfold bench read` uses it as the baseline.
func Constant(o Options, body []byte) (*API, error) {
	a, err := New(o)
	if err != nil {
		return nil, err
	}
	a.echo.GET("/v1/orders/:id", func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(logSequence, "1")
		h.Set("ETag", `W/"constant"`)
		h.Set("Cache-Control", privateCache)
		return c.JSONBlob(http.StatusOK, body)
	})
	return a, nil
}
