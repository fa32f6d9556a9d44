package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Constant returns the same API as New, but every GET of one order is answered with the same body: all that a request goes
// through, access, headers, compression, metrics and log, and no views. It is what `orderfold bench read` compares with.
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
