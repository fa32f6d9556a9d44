package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
)

// maxPage is the maximum number of entries in an answer of the API.
const maxPage = 500

// listSettings contains the settings that orders and breaks share.
type listSettings struct {
	api    apiAccess
	query  url.Values
	limit  uint
	asJSON bool
}

func (p *program) listFlags(name, what string, args []string, parameters []api.Parameter) (*listSettings, error) {
	s := &listSettings{query: url.Values{}}
	_, err := p.flags(name, "", args, func(f *flagSet) {
		f.UintVar(&s.limit, "limit", 100, "maximum number of "+what+" to print; 0: all")
		f.BoolVar(&s.asJSON, "json", false, "print JSON: "+map[string]string{"orders": "one order per line",
			"breaks": "one value with data and counts"}[name])
		registerFilters(f, "Filters (all must match)", parameters, s.query)
		s.api.register(f)
	})
	return s, err
}

// pageSize returns the number of entries to request at once.
func (s *listSettings) pageSize() int {
	if s.limit == 0 || s.limit > maxPage {
		return maxPage
	}
	return int(s.limit)
}

// take returns the entries of a page that are to be printed after those already taken, and whether
// the page is the last one to print.
func take[T any](s *listSettings, taken uint, page []T) (due []T, last bool) {
	if s.limit > 0 && taken+uint(len(page)) >= s.limit {
		return page[:s.limit-taken], true
	}
	return page, false
}

// orders lists orders by the filters of the API.
func (p *program) orders(ctx context.Context, args []string) error {
	s, err := p.listFlags("orders", "orders", args, api.OrderParameters())
	if err != nil {
		return err
	}
	c, err := s.api.client()
	if err != nil {
		return err
	}
	table, taken := p.orderTable(), uint(0)
	for page, err := range c.OrderPages(ctx, client.OrderQuery{OrderFilter: client.OrderFilter{Others: s.query}, Limit: s.pageSize()}) {
		if err != nil {
			return hinted(err)
		}
		due, last := take(s, taken, page.Data)
		taken += uint(len(due))
		if s.asJSON {
			err = p.printRaw(page.Raw, len(due))
		} else if len(due) > 0 {
			err = table.print(orderRows(due))
		}
		if err != nil {
			return err
		}
		if last && (page.NextCursor != "" || len(due) < len(page.Data)) {
			fmt.Fprintf(p.stderr, "there are more orders than the %d printed; --limit 0 prints all\n", taken)
		}
		if last {
			break
		}
	}
	if taken == 0 {
		fmt.Fprintln(p.stderr, "no order matches")
	}
	return nil
}

// printRaw prints the first n entries of a page as the API sent them, one per line.
func (p *program) printRaw(raw json.RawMessage, n int) error {
	var page struct{ Data []json.RawMessage }
	if err := json.Unmarshal(raw, &page); err != nil {
		return err
	}
	for _, member := range page.Data[:n] {
		if err := printJSON(p.stdout, member); err != nil {
			return err
		}
	}
	return nil
}

// orderTable returns a table with the most important columns first, because a narrow terminal
// leaves out the last ones.
func (p *program) orderTable() *table {
	return p.newTable(column{head: "ORDER"}, column{head: "STATUS"}, column{head: "EXECUTED", right: true}, column{head: "INSTRUMENT"}, column{head: "SIDE"},
		column{head: "DUE"}, column{head: "BREAKS"}, column{head: "RECEIVED"}, column{head: "EXTERNAL ID"}, column{head: "CLASS"}, column{head: "MODIFIED"})
}

func orderRows(orders []client.Order) [][]string {
	rows := make([][]string, len(orders))
	for i := range orders {
		o := &orders[i]
		due := ""
		if s := o.Settlement; s != nil && s.DueOn != "" {
			due = s.DueOn + " " + s.State
		}
		breaks := ""
		for n, b := range o.Breaks {
			if n > 0 {
				breaks += " "
			}
			breaks += b.Code
		}
		rows[i] = []string{o.OrderID, o.Status, orUnknown(o.ExecutedQuantity) + "/" + orUnknown(o.Quantity), o.ISIN + o.Symbol, o.Side, due, breaks,
			instantText(o.Notifications.LastReceivedAt), o.ExternalID, o.AssetClass, instantText(o.ModifiedOn)}
	}
	return rows
}
