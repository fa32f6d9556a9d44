package api

import (
	"bufio"
	"context"
	"fmt"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/projector/views"
)

// form is how a list is written.
type form string

const (
	asJSON   form = "json"
	asCSV    form = "csv"
	asNDJSON form = "ndjson"

	csvType    = "text/csv"
	ndjsonType = "application/x-ndjson"

	// exportPage is how many orders a page has. Two pages are in memory: one is written while the next one is read.
	exportPage = 500
	// exportBytes is how much is written at once.
	exportBytes = 64 << 10
)

// exportPatience is how long the reader may take over a page. A variable for tests, which have less.
var exportPatience = time.Minute

// form is what the caller asks for: by the parameter, otherwise what Accept likes best, the first of several.
func (in *ordersInput) form() form {
	if in.Format != "" {
		return form(in.Format)
	}
	forms := map[string]form{"application/json": asJSON, "application/*": asJSON, "*/*": asJSON, csvType: asCSV, ndjsonType: asNDJSON}
	best, liked := asJSON, 0.0
	for accepted := range strings.SplitSeq(in.Accept, ",") {
		mediaType, parameters, err := mime.ParseMediaType(accepted)
		f, known := forms[mediaType]
		if err != nil || !known {
			continue
		}
		weight := 1.0
		if q, given := parameters["q"]; given {
			if weight, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		if weight > liked {
			best, liked = f, weight
		}
	}
	return best
}

// export streams the whole list, beginning with its first page. It is a walk from page to page like any other: nothing of the
// views is held while the reader takes its time.
func (a *API) export(in *ordersInput, q views.Query, page views.Page) *ordersOutput {
	f := in.form()
	out := &ordersOutput{As: As{page.Applied}, Tagged: Tagged{CacheControl: "no-store"}, Status: http.StatusOK,
		ContentType: csvType + "; charset=utf-8; header=present", Disposition: `attachment; filename="orders.csv"`}
	out.Revision = strconv.FormatUint(page.Feed.Revision, 10)
	if page.Feed.On {
		out.FeedAt = strconv.FormatUint(page.Feed.Sequence, 10)
	}
	if f == asNDJSON {
		out.ContentType, out.Disposition = ndjsonType, `attachment; filename="orders.ndjson"`
	}
	out.Body = func(c huma.Context) {
		c.SetStatus(out.Status)
		if c.Method() == http.MethodHead {
			return
		}
		if err := a.writePages(c, in, q, page); err != nil {
			panic(&lost{err}) // the connection is cut: what was sent must not look like a whole file
		}
	}
	return out
}

// readAhead begins to read a page. The caller must call take, which waits for the page. A panic of the reader is an error: nobody
// above a goroutine would recover it, and the process would end.
func (a *API) readAhead(ctx context.Context, q views.Query) (take func() (views.Page, error)) {
	var page views.Page
	var err error
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer func() {
			if value := recover(); value != nil {
				err = &panicked{value, debug.Stack()}
			}
		}()
		page, err = a.views.Orders(ctx, q)
	}()
	return func() (views.Page, error) {
		<-read
		return page, err
	}
}

// writePages writes the list, and reads the next page while it writes one. Each page has a deadline of its own, in place of those of a
// whole request.
func (a *API) writePages(c huma.Context, in *ordersInput, q views.Query, page views.Page) (err error) {
	control := http.NewResponseController(echoOf(c).Response())
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("api: export: %w", err)
	}
	w := bufio.NewWriterSize(c.BodyWriter(), exportBytes)
	rows, err := in.rowWriter(w)
	if err != nil {
		return err // Resolve has refused it
	}
	ctx, cancel := context.WithCancel(c.Context())
	take := func() (views.Page, error) { return page, nil }
	defer func() { cancel(); _, _ = take() }()
	for {
		if page, err = take(); err != nil {
			return err
		}
		if page.Next != "" {
			q.Cursor = page.Next
			take = a.readAhead(ctx, q)
		}
		if err := control.SetWriteDeadline(time.Now().Add(exportPatience)); err != nil {
			return fmt.Errorf("api: export: %w", err)
		}
		for i := range page.Orders {
			order := newOrder(&page.Orders[i], q.Settling)
			if err := rows(&order); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil { // whatever it says: nobody takes it
			return fmt.Errorf("%w: %v", context.Canceled, err)
		}
		if page.Next == "" {
			return nil
		}
	}
}

// rowWriter returns what writes an order as a line. What it writes to keeps the error of a reader that is gone.
func (in *ordersInput) rowWriter(w *bufio.Writer) (func(*Order) error, error) {
	if in.form() == asCSV {
		columns, err := in.Fields.columns()
		return csvWriter(w, columns), err
	}
	members, err := in.Fields.members()
	return func(o *Order) error {
		_, _ = w.Write(append(appendMembers(w.AvailableBuffer(), o, members), '\n')) // the error comes again when w is flushed
		return nil
	}, err
}
