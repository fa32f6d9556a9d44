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

// form is the format of a list.
type form string

const (
	asJSON   form = "json"
	asCSV    form = "csv"
	asNDJSON form = "ndjson"

	csvType    = "text/csv"
	ndjsonType = "application/x-ndjson"

	// exportPage is the number of orders on a page. Two pages are in memory: one is written while
	// the next one is read.
	exportPage = 500
	// exportBytes is the number of bytes written at once.
	exportBytes = 64 << 10
)

// exportPatience is the maximum time in which the reader must take a page. It is a variable because
// tests set a shorter one.
var exportPatience = time.Minute

// form returns the format that the caller asks for: that of the parameter, or else the one that
// Accept prefers, and of several equal ones the first.
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

// export streams the whole list, beginning with its first page. It walks from page to page like any
// client: no resource of the views is held while the reader takes its time.
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
			// Cut the connection: a part of the list must not look like the whole list.
			panic(&lost{err})
		}
	}
	return out
}

// readAhead begins to read a page. The caller must call take, which waits for the page. A panic of
// the read becomes an error, because nothing above a goroutine recovers it and it would end the
// process.
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

// writePages writes the list, and reads the next page while it writes one. Each page has a deadline
// of its own, instead of the deadlines of a whole request.
func (a *API) writePages(c huma.Context, in *ordersInput, q views.Query, page views.Page) (err error) {
	control := http.NewResponseController(echoOf(c).Response())
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("api: export: %w", err)
	}
	w := bufio.NewWriterSize(c.BodyWriter(), exportBytes)
	rows, err := in.rowWriter(w)
	if err != nil {
		return err // Resolve has already refused an invalid one
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
		if err := w.Flush(); err != nil { // any error means that the reader is gone
			return fmt.Errorf("%w: %v", context.Canceled, err)
		}
		if page.Next == "" {
			return nil
		}
	}
}

// rowWriter returns a function that writes an order as a line. The writer keeps the error if the
// reader is gone.
func (in *ordersInput) rowWriter(w *bufio.Writer) (func(*Order) error, error) {
	if in.form() == asCSV {
		columns, err := in.Fields.columns()
		return csvWriter(w, columns), err
	}
	members, err := in.Fields.members()
	return func(o *Order) error {
		// Flush returns the error of Write again.
		_, _ = w.Write(append(appendMembers(w.AvailableBuffer(), o, members), '\n'))
		return nil
	}, err
}
