package statemachine

import (
	"fmt"
	"strings"
)

// Mermaid returns the rank table as a Mermaid state diagram. An arrow leads from each status to those of
// the next higher rank. A restatement may lead back to a lower rank, without an arrow.
func Mermaid() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	b.WriteString("    direction LR\n")
	for _, from := range statuses {
		next := nextRank(from.Rank)
		for _, to := range statuses {
			if from.Rank > 0 && to.Rank == next {
				fmt.Fprintf(&b, "    %s --> %s\n", from.Status, to.Status)
			}
		}
	}
	for _, s := range statuses {
		switch {
		case s.Rank == 1:
			fmt.Fprintf(&b, "    [*] --> %s\n", s.Status)
		case s.Final != "never":
			fmt.Fprintf(&b, "    %s --> [*]\n", s.Status)
		}
	}
	fmt.Fprintf(&b, "    note right of %s\n        Any status may be the first, and ranks may be skipped.\n"+
		"        %s and answers of GET order restate: only what is newer counts.\n    end note\n", Corrected, Corrected)
	return b.String()
}

// nextRank returns the next higher rank, or 0 if there is none.
func nextRank(rank int) int {
	next := 0
	for _, s := range statuses {
		if s.Rank > rank && (next == 0 || s.Rank < next) {
			next = s.Rank
		}
	}
	return next
}
