package platformtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"time"
)

// Summary is the part of a report that is not about single orders.
type Summary struct {
	Seed     uint64    `json:"seed"`
	Start    time.Time `json:"start"`
	Totals   Totals    `json:"totals"`
	Failures []Failure `json:"failures"` // the first 100
}

// Report contains what was posted and the expected result, as one JSON document:
//
//	{"seed":1,"start":"2026-03-02T10:00:00Z",
//	 "totals":{"orders":2,"notifications":9,"distinct":8,"repeats":1,"otherObjects":1,"acknowledged":9,"lost":0,
//	           "undelivered":0,"retries":0,"refused":{"400":0},"highestLogSequence":9},
//	 "failures":[{"path":"/…","orderId":"…","reason":"…"}],
//	 "orders":[
//	  {"orderId":"…","assetClass":"TRADITIONAL","scenario":"settled",
//	   "facts":[{"status":"PLACED","modifiedOn":"…","executed":null,"notificationType":"CREATED","posted":1,"logSequence":3}],
//	   "unacknowledged":0,
//	   "expected":{"status":"PLACED","statusSince":"…","modifiedOn":"…","executedQuantity":null,"open":true,"final":false,
//	               "breaks":[]}}
//	 ]}
//
// Each order is on its own line, between a line that ends with [ and the line ]}, so that a report
// of any length can be read line by line. Times are in RFC 3339 and UTC, quantities are exact decimals
// in strings.
type Report struct {
	Summary
	Orders []OrderReport `json:"orders"` // with at least one posted notification
}

// Result is the result of a play. It needs a few bytes per notification, because the orders are
// generated again from the traffic.
type Result struct {
	Summary
	tally *tally
}

// Orders returns the orders with at least one posted notification, in order of creation.
func (r Result) Orders() iter.Seq[OrderReport] {
	if r.tally == nil {
		return func(func(OrderReport) bool) {}
	}
	return r.tally.orders()
}

// WriteReport writes r as a JSON [Report].
func WriteReport(w io.Writer, r Result) error {
	head, err := json.Marshal(r.Summary)
	if err != nil {
		return fmt.Errorf("platformtest: write the report: %w", err)
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	buffered.Write(head[:len(head)-1]) // Flush returns the first error of bufio
	buffered.WriteString(",\"orders\":[\n")
	separator := ""
	for order := range r.Orders() {
		line, err := json.Marshal(order)
		if err != nil {
			return fmt.Errorf("platformtest: write order %s to the report: %w", order.OrderID, err)
		}
		buffered.WriteString(separator)
		if _, err := buffered.Write(line); err != nil {
			return fmt.Errorf("platformtest: write the report: %w", err)
		}
		separator = ",\n"
	}
	buffered.WriteString("\n]}\n")
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("platformtest: write the report: %w", err)
	}
	return nil
}

// ReadReport reads the output of WriteReport into memory.
func ReadReport(r io.Reader) (Report, error) {
	var report Report
	if err := json.NewDecoder(r).Decode(&report); err != nil {
		return Report{}, fmt.Errorf("platformtest: read the report: %w", err)
	}
	return report, nil
}
