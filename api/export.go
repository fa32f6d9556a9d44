package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
)

// form is how a list is written.
type form string

const (
	asJSON   form = "json"
	asCSV    form = "csv"
	asNDJSON form = "ndjson"

	csvType    = "text/csv"
	ndjsonType = "application/x-ndjson"

	// exportPage is how many orders are in memory.
	exportPage = 500
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
func (a *API) export(f form, q views.Query, page views.Page) *ordersOutput {
	out := &ordersOutput{As: As{page.Applied}, Tagged: Tagged{CacheControl: "no-store"}, Status: http.StatusOK,
		ContentType: csvType + "; charset=utf-8; header=present", Disposition: `attachment; filename="orders.csv"`}
	if f == asNDJSON {
		out.ContentType, out.Disposition = ndjsonType, `attachment; filename="orders.ndjson"`
	}
	out.Body = func(c huma.Context) {
		c.SetStatus(out.Status)
		if c.Method() == http.MethodHead {
			return
		}
		if err := a.writePages(c, f, q, page); err != nil {
			panic(&lost{err}) // the connection is cut: what was sent must not look like a whole file
		}
	}
	return out
}

// writePages writes the list. The deadlines of a whole request do not hold: each page has its own.
func (a *API) writePages(c huma.Context, f form, q views.Query, page views.Page) (err error) {
	control := http.NewResponseController(humaecho.Unwrap(c).Response())
	if err := control.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("api: export: %w", err)
	}
	w := bufio.NewWriter(c.BodyWriter())
	rows := rowWriter(w, f)
	for {
		if err := control.SetWriteDeadline(time.Now().Add(exportPatience)); err != nil {
			return fmt.Errorf("api: export: %w", err)
		}
		for i := range page.Orders {
			order := newOrder(&page.Orders[i])
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
		q.Cursor = page.Next
		if page, err = a.views.Orders(c.Context(), q); err != nil {
			return err
		}
	}
}

// rowWriter returns what writes an order as a line. What it writes to keeps the error of a reader that is gone.
func rowWriter(w *bufio.Writer, f form) func(*Order) error {
	if f == asNDJSON {
		return func(o *Order) error { return writeJSON(w, o) }
	}
	return csvWriter(w)
}

// csvColumns are the columns of a CSV export, in their order. Texts come from outside and are guarded; numbers, times, flags and
// words of ours are written as they are.
var csvColumns = []struct {
	name  string
	value func(*Order) string
}{
	{"orderId", func(o *Order) string { return guard(o.OrderID) }},
	{"assetClass", func(o *Order) string { return text(o.AssetClass) }},
	{"status", func(o *Order) string { return guard(text(o.Status)) }},
	{"statusSince", func(o *Order) string { return text(o.StatusSince) }},
	{"open", func(o *Order) string { return strconv.FormatBool(o.Open) }},
	{"final", func(o *Order) string { return strconv.FormatBool(o.Final) }},
	{"side", func(o *Order) string { return guard(text(o.Side)) }},
	{"isin", func(o *Order) string { return guard(text(o.ISIN)) }},
	{"symbol", func(o *Order) string { return guard(text(o.Symbol)) }},
	{"orderType", func(o *Order) string { return guard(text(o.OrderType)) }},
	{"exchangeCode", func(o *Order) string { return guard(text(o.ExchangeCode)) }},
	{"quantity", func(o *Order) string { return number(o.Quantity) }},
	{"amount", func(o *Order) string { return number(o.Amount) }},
	{"executedQuantity", func(o *Order) string { return number(o.ExecutedQuantity) }},
	{"executionPrice", func(o *Order) string { return number(o.ExecutionPrice) }},
	{"executedAmount", func(o *Order) string { return number(o.ExecutedAmount) }},
	{"limitPrice", func(o *Order) string { return number(o.LimitPrice) }},
	{"stopPrice", func(o *Order) string { return number(o.StopPrice) }},
	{"externalId", func(o *Order) string { return guard(text(o.ExternalID)) }},
	{"productIds", func(o *Order) string { return guard(strings.Join(o.ProductIDs, " ")) }},
	{"message", func(o *Order) string { return guard(text(o.Message)) }},
	{"createdOn", func(o *Order) string { return guard(text(o.CreatedOn)) }},
	{"modifiedOn", func(o *Order) string { return text(o.ModifiedOn) }},
	{"expiryDate", func(o *Order) string { return guard(text(o.ExpiryDate)) }},
	{"breaks", func(o *Order) string { return breakCodes(o) }},
	{"refusals", func(o *Order) string { return strconv.Itoa(len(o.Refusals)) }},
	{"notifications", func(o *Order) string { return strconv.FormatUint(o.Notifications.Count, 10) }},
	{"duplicates", func(o *Order) string { return strconv.FormatUint(o.Notifications.Duplicates, 10) }},
	{"firstSequence", func(o *Order) string { return strconv.FormatUint(o.Notifications.FirstSequence, 10) }},
	{"lastSequence", func(o *Order) string { return strconv.FormatUint(o.Notifications.LastSequence, 10) }},
	{"firstReceivedAt", func(o *Order) string { return o.Notifications.FirstReceivedAt }},
	{"lastReceivedAt", func(o *Order) string { return o.Notifications.LastReceivedAt }},
}

// csvWriter writes the line of names and returns what writes an order.
func csvWriter(w io.Writer) func(*Order) error {
	lines := csv.NewWriter(w)
	line := make([]string, len(csvColumns))
	for i := range csvColumns {
		line[i] = csvColumns[i].name
	}
	write := func() error {
		_ = lines.Write(line)
		lines.Flush() // into the buffer below
		if err := lines.Error(); err != nil {
			return fmt.Errorf("%w: %v", context.Canceled, err)
		}
		return nil
	}
	err := write()
	return func(o *Order) error {
		if err != nil {
			return err
		}
		for i := range csvColumns {
			line[i] = csvColumns[i].value(o)
		}
		return write()
	}
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

// guard keeps a spreadsheet from taking a text for a formula.
func guard(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// number leaves a number as it is, also a negative one.
func number(value *string) string {
	if _, ok := statemachine.ParseDecimal(text(value)); ok {
		return *value
	}
	return guard(text(value))
}

func breakCodes(o *Order) string {
	codes := make([]string, len(o.Breaks))
	for i := range o.Breaks {
		codes[i] = o.Breaks[i].Code
	}
	return strings.Join(codes, " ")
}
