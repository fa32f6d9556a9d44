package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// status prints the position of the log and the views of a running service, and whether the service
// is ready.
func (p *program) status(ctx context.Context, args []string) error {
	var access apiAccess
	var asJSON bool
	if _, err := p.flags("status", "", args, func(f *flagSet) {
		f.BoolVar(&asJSON, "json", false, "print JSON")
		access.register(f)
	}); err != nil {
		return err
	}
	c, err := access.client()
	if err != nil {
		return err
	}
	s, err := c.Status(ctx)
	if err != nil {
		return &diagnosis{exitUsage, fmt.Sprintf("status: unknown: %v", hinted(err))}
	}
	if asJSON {
		err = printJSON(p.stdout, s.Raw)
	} else {
		err = p.printStatus(s.Raw)
	}
	if err != nil {
		return &diagnosis{exitUsage, fmt.Sprintf("status: %v", err)}
	}
	if !s.Ready {
		return &diagnosis{exitFailed, "status: the service is not ready: " + orText(s.Reason, "it reports no reason")}
	}
	return nil
}

// printStatus prints every member of the answer in order, including members that this program does
// not know. Inner members come below the name of the outer one.
func (p *program) printStatus(raw json.RawMessage) error {
	t := p.newTable(column{}, column{})
	t.shown = len(t.columns) // no header line
	rows, err := memberRows(raw, "")
	if err != nil {
		return err
	}
	return t.print(rows)
}

func memberRows(raw json.RawMessage, indent string) (rows [][]string, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil { // the opening brace
		return nil, err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		row := []string{fmt.Sprint(indent, name), " "}
		if value[0] == '{' {
			inner, err := memberRows(value, indent+"  ")
			if err != nil {
				return nil, err
			}
			rows = append(append(rows, row), inner...)
			continue
		}
		row[1] = valueText(value)
		rows = append(rows, row)
	}
	return rows, nil
}

// valueText returns a JSON value without quotes.
func valueText(value json.RawMessage) string {
	var text string
	switch {
	case string(value) == "null":
		return ""
	case json.Unmarshal(value, &text) == nil:
		return text
	}
	return strings.TrimSpace(string(value))
}
