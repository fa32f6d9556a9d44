package api

import (
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"
)

// orderBytes is what most orders are shorter than, as JSON.
const orderBytes = 2 << 10

// single answers what is asked most, one order as it is now, without the reflection by which huma reads parameters and writes
// answers: that takes half as long as reading the order. A question with parameters goes on to huma, and both ask getOrder.
func (a *API) single(ctx huma.Context, next func(huma.Context)) {
	c := echoOf(ctx)
	r := c.Request()
	in := orderInput{ID: c.Param("id"), IfNoneMatch: IfNoneMatch{r.Header.Get("If-None-Match")}}
	if r.URL.RawQuery != "" || in.ID == "" {
		next(ctx)
		return
	}
	view, applied, err := a.orderView(r.Context(), &in)
	if err != nil {
		answer(c, asProblem(err))
		return
	}
	body := append(appendMembers(make([]byte, 0, orderBytes), &view, orderMembers), '\n')
	tagged, status := in.tag(body)
	w := c.Response()
	h := w.Header()
	h.Set(logSequence, strconv.FormatUint(applied, 10))
	h.Set("Etag", tagged.ETag)
	h.Set("Cache-Control", tagged.CacheControl)
	h.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	w.WriteHeader(status)
	if status != http.StatusNotModified {
		_, _ = w.Write(body) // whether somebody is there to take it is no matter
	}
}
