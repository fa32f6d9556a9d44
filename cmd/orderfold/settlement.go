package main

import (
	"fmt"
	"strings"

	"github.com/orderfold/orderfold/statemachine"
)

// settlementSettings contains the changes to the default settlement of orders.
type settlementSettings struct {
	cycles texts
	closed string
}

// maxClosedDays is the maximum size of the file of closed days, in bytes.
const maxClosedDays = 1 << 20

func (s *settlementSettings) register(f *flagSet) {
	f.Var(&s.cycles, "settlement", "`cycle` of an asset class, such as TRADITIONAL=1 (T+1), DIGITAL=0, or TRADITIONAL=1@2027-10-11 for trade dates from that day on; repeatable")
	f.StringVar(&s.closed, "settlement-closed", "", "`file` of additional days on which nothing settles, one date such as 2026-12-24 per line, # for the reason")
}

// schedule returns the schedule from the flags and the file.
func (s *settlementSettings) schedule() (*statemachine.Schedule, error) {
	cycles, err := statemachine.ParseCycles(s.cycles.values)
	if err != nil {
		return nil, usagef("--settlement: %s", oneLine(err))
	}
	var closed []statemachine.ClosedDay
	if s.closed != "" {
		text, err := readBounded(s.closed, maxClosedDays)
		if err != nil {
			return nil, usagef("--settlement-closed: %v", err)
		}
		if closed, err = statemachine.ParseClosedDays(text); err != nil {
			return nil, usagef("--settlement-closed: %s: %s", s.closed, oneLine(err))
		}
	}
	schedule, err := statemachine.NewSchedule(cycles, closed)
	if err != nil {
		return nil, usagef("--settlement: %v", err)
	}
	return schedule, nil
}

// oneLine returns several errors in one line.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// cycleText describes a cycle and its period of trade dates in words.
func cycleText(c *statemachine.Cycle) string {
	switch {
	case c.From == 0 && c.Until == 0:
		return "any"
	case c.From == 0:
		return fmt.Sprintf("until %s", c.Until)
	case c.Until == 0:
		return fmt.Sprintf("from %s", c.From)
	}
	return fmt.Sprintf("%s to %s", c.From, c.Until)
}
