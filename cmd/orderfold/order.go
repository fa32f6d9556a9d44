package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

// order prints one order with its history, as the API tells it.
func (p *program) order(ctx context.Context, args []string) error {
	var c apiClient
	var asJSON bool
	operands, err := p.flags("order", "ID", args, func(f *flag.FlagSet) {
		f.StringVar(&c.url, "api-url", "http://127.0.0.1:8081", "the read API")
		f.StringVar(&c.key, "api-key", "", "key for the read API")
		f.BoolVar(&asJSON, "json", false, "print JSON")
	})
	if err != nil {
		return err
	}
	c.url = strings.TrimRight(c.url, "/")
	path := "/v1/orders/" + url.PathEscape(operands[0])
	order, err := c.get(ctx, path)
	if err != nil {
		return err
	}
	history, err := c.get(ctx, path+"/history")
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(p.stdout).Encode(map[string]json.RawMessage{"order": order, "history": history})
	}
	return p.printOrder(order, history)
}

// orderText is what is printed of an order view.
type orderText struct {
	OrderID, AssetClass, Status, Side, ISIN, Symbol, Quantity, ExecutedQuantity string
	OrderType, LimitPrice, StopPrice, ExchangeCode, ExternalID, Message         string
	StatusSince                                                                 time.Time
	Open, Final                                                                 bool
	Breaks                                                                      []struct {
		Code, Severity, Rule string
		OpenedAt             time.Time
		Sequences            []uint64
	}
	Refusals []struct {
		At                     time.Time
		ErrorType, Description string
	}
	Notifications struct{ Count, Duplicates uint64 }
}

type historyText struct {
	Data []struct {
		Sequence                                    uint64
		ReceivedAt                                  time.Time
		At                                          *time.Time
		Status, Executed, Effect, Rule, StatusAfter string
		Notes                                       []string
	}
}

func (p *program) printOrder(order, history []byte) error {
	var o orderText
	var h historyText
	if err := json.Unmarshal(order, &o); err != nil {
		return fmt.Errorf("order: the API's answer is not an order: %w", err)
	}
	if err := json.Unmarshal(history, &h); err != nil {
		return fmt.Errorf("order: the API's answer is not a history: %w", err)
	}
	w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	state := "awaits settlement"
	if o.Open {
		state = "open"
	} else if o.Final {
		state = "final"
	}
	for _, row := range [][2]string{{"order", o.OrderID}, {"asset class", o.AssetClass}, {"status", orUnknown(o.Status)},
		{"since", instantText(o.StatusSince)}, {"state", state}, {"side", o.Side}, {"instrument", o.ISIN + o.Symbol},
		{"quantity", o.Quantity}, {"executed", orUnknown(o.ExecutedQuantity)}, {"order type", o.OrderType},
		{"limit price", o.LimitPrice}, {"stop price", o.StopPrice}, {"exchange", o.ExchangeCode},
		{"external id", o.ExternalID}, {"message", o.Message},
		{"notifications", fmt.Sprintf("%d, of them %d repeats", o.Notifications.Count, o.Notifications.Duplicates)}} {
		if row[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, b := range o.Breaks {
		fmt.Fprintf(w, "break\t%s (%s) since %s: %s Notifications %v\n", b.Code, b.Severity, instantText(b.OpenedAt), b.Rule, b.Sequences)
	}
	for _, r := range o.Refusals {
		fmt.Fprintf(w, "refused\t%s %s: %s\n", instantText(r.At), r.ErrorType, r.Description)
	}
	fmt.Fprint(w, "\nSEQUENCE\tRECEIVED\tAT\tSAID\tEXECUTED\tDID\tSTATUS\tWHY\n")
	for _, e := range h.Data {
		at := ""
		if e.At != nil {
			at = instantText(*e.At)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Sequence, instantText(e.ReceivedAt), at, orUnknown(e.Status),
			e.Executed, e.Effect, orUnknown(e.StatusAfter), strings.Join(append([]string{e.Rule}, e.Notes...), " "))
	}
	return w.Flush()
}

func orUnknown(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05.999Z")
}
