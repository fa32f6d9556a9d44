package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
	"go.uber.org/zap"
)

// ErrNoRoom occurs if a copy of the views would fill their disk. Nothing was changed.
var ErrNoRoom = errors.New("api: the disk has no room for a copy of the views")

// Copies copies the views.
type Copies interface {
	// Copy copies the live generation in one consistent state. The caller must close the copy. It
	// returns ErrNoRoom and the errors of Views.
	Copy(ctx context.Context) (*views.Copy, error)
}

const (
	sqliteType = "application/vnd.sqlite3"
	// copyPart is the size of a part that must be sent within exportPatience.
	copyPart = 4 << 20
)

type copyOutput struct {
	ContentType   string `header:"Content-Type"`
	ContentLength string `header:"Content-Length"`
	CacheControl  string `header:"Cache-Control"`
	Disposition   string `header:"Content-Disposition"`
	Body          func(huma.Context)
}

func (a *API) registerCopies() {
	op := a.operation(huma.Operation{OperationID: "copy-views", Method: http.MethodPost, Path: "/v1/copies",
		Tags: []string{"operations"}, Summary: "Copy the views for another machine"},
		http.StatusForbidden, http.StatusServiceUnavailable, http.StatusHTTPVersionNotSupported)
	op.Middlewares = append(op.Middlewares, takesItsTime)
	op.Responses["200"] = &huma.Response{Description: "The served views in one state, as a SQLite file.",
		Content: map[string]*huma.MediaType{sqliteType: {}}}
	huma.Register(a.huma, op, a.copyViews)
}

// copyViews makes one copy at a time, because each copy takes as much disk space as the views.
func (a *API) copyViews(ctx context.Context, _ *struct{}) (*copyOutput, error) {
	if !a.copying.TryLock() {
		return nil, problem(codeBusy, "Another copy is being made or sent. Try again when it has ended.")
	}
	copied, err := a.copies.Copy(ctx)
	if err != nil {
		a.copying.Unlock()
		if errors.Is(err, ErrNoRoom) {
			return nil, problem(codeBusy, "A copy needs as much disk as the views, and must leave as much again free. Make room, or let the other machine fold the log.")
		}
		return nil, asProblem(err)
	}
	context.AfterFunc(ctx, func() { // when the request ends, for whatever reason
		if err := copied.Close(); err != nil {
			a.logger.Warn("a copy of the views was not removed", zap.Error(err))
		}
		a.copying.Unlock()
	})
	info, err := copied.Stat()
	if err != nil {
		return nil, fmt.Errorf("api: copy the views: %w", err)
	}
	return &copyOutput{sqliteType, strconv.FormatInt(info.Size(), 10), "no-store", `attachment; filename="orders.db"`, func(c huma.Context) {
		if err := sendCopy(c, copied.File, info.Size()); err != nil {
			// Cut the connection: a part of the file must not look like the whole file.
			panic(&lost{err})
		}
	}}, nil
}

// takesItsTime allows a request to take longer than others. An answer over HTTP/1.0 would be kept
// in memory.
func takesItsTime(ctx huma.Context, next func(huma.Context)) {
	c := echoOf(ctx)
	if !c.Request().ProtoAtLeast(1, 1) {
		answer(c, problem(codeHTTPVersion, "Use HTTP/1.1; an nginx proxy in between needs proxy_http_version 1.1."))
		return
	}
	control := http.NewResponseController(c.Response())
	if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{})); err != nil {
		answer(c, asProblem(fmt.Errorf("api: copy the views: %w", err)))
		return
	}
	next(ctx)
}

// sendCopy sends a file in parts. Each part has a deadline of its own, instead of the deadlines of
// a whole request.
func sendCopy(c huma.Context, f *os.File, size int64) error {
	control := http.NewResponseController(echoOf(c).Response())
	c.SetStatus(http.StatusOK)
	for sent := int64(0); sent < size; {
		if err := control.SetWriteDeadline(time.Now().Add(exportPatience)); err != nil {
			return fmt.Errorf("api: send a copy: %w", err)
		}
		n, err := io.CopyN(c.BodyWriter(), f, min(copyPart, size-sent))
		sent += n
		switch file := (*fs.PathError)(nil); {
		case err == nil:
		case errors.Is(err, io.EOF), errors.As(err, &file) && !errors.Is(err, fs.ErrClosed):
			return fmt.Errorf("api: send a copy: %w", err) // the file cannot be read
		default:
			return fmt.Errorf("%w: %v", context.Canceled, err) // the reader is gone
		}
	}
	return nil
}
