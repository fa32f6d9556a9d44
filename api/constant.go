package api

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// Constant answers every GET of one order with the same body, by the same router and nothing else: what `orderfold bench read`
// compares with.
func Constant(body []byte) http.Handler {
	e := echo.New()
	e.GET("/v1/orders/:id", func(c echo.Context) error { return c.JSONBlob(http.StatusOK, body) })
	return e
}
