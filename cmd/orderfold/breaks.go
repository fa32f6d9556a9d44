package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
)

// breaksFound is the JSON output of breaks.
type breaksFound struct {
	Data   []json.RawMessage `json:"data"`
	Counts json.RawMessage   `json:"counts"`
}

// breaks lists open breaks, the one opened first at the top, and counts them.
func (p *program) breaks(ctx context.Context, args []string) error {
	s, err := p.listFlags("breaks", "breaks", args, api.BreakParameters())
	if err != nil {
		return err
	}
	c, err := s.api.client()
	if err != nil {
		return err
	}
	found := breaksFound{Data: []json.RawMessage{}}
	table := p.newTable(column{head: "ORDER"}, column{head: "CODE"}, column{head: "SEVERITY"}, column{head: "DAYS", right: true}, column{head: "STATUS"},
		column{head: "OPENED"}, column{head: "NOTIFICATIONS"})
	query := client.BreakQuery{Others: s.query, Limit: s.pageSize()}
	for page, err := range c.BreakPages(ctx, query) {
		if err != nil {
			return hinted(err)
		}
		due, last := take(s, uint(len(found.Data)), page.Data)
		var raw breaksFound
		if err := json.Unmarshal(page.Raw, &raw); err != nil {
			return err
		}
		if found.Counts == nil { // the counts of the first page cover everything that matches
			found.Counts = raw.Counts
		}
		found.Data = append(found.Data, raw.Data[:len(due)]...)
		if !s.asJSON && len(due) > 0 {
			if err := table.print(breakRows(due)); err != nil {
				return err
			}
		}
		if last {
			break
		}
	}
	if s.asJSON {
		return printJSON(p.stdout, found)
	}
	return p.printBreakCounts(&found)
}

func breakRows(breaks []client.OpenBreak) [][]string {
	rows := make([][]string, len(breaks))
	for i := range breaks {
		b := &breaks[i]
		rows[i] = []string{b.OrderID, b.Code, b.Severity, fmt.Sprint(b.AgeDays), b.Status, instantText(b.OpenedAt), fmt.Sprint(b.Sequences)}
	}
	return rows
}

// printBreakCounts prints the number of breaks of each code, the most frequent first.
func (p *program) printBreakCounts(found *breaksFound) error {
	var counts struct {
		ByCode map[string]uint64 `json:"byCode"`
	}
	if err := json.Unmarshal(found.Counts, &counts); err != nil {
		return err
	}
	var rows [][]string
	total := uint64(0)
	for _, code := range slices.SortedFunc(maps.Keys(counts.ByCode), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts.ByCode[b], counts.ByCode[a]), cmp.Compare(a, b))
	}) {
		if n := counts.ByCode[code]; n > 0 {
			rows, total = append(rows, []string{code, fmt.Sprint(n)}), total+n
		}
	}
	if total == 0 {
		fmt.Fprintln(p.stderr, "no open break matches")
		return nil
	}
	fmt.Fprintln(p.stdout)
	if err := p.newTable(column{head: "CODE"}, column{head: "BREAKS", right: true}).print(append(rows, []string{"all", fmt.Sprint(total)})); err != nil {
		return err
	}
	if printed := uint64(len(found.Data)); printed < total {
		fmt.Fprintf(p.stderr, "there are more breaks than the %d printed; --limit 0 prints all\n", printed)
	}
	return nil
}
