package statemachine

import "time"

// Version must be raised when the same facts add up to another state, or are encoded differently,
// although the tables are unchanged.
const Version = 5

// Status is a status text as the platform sends it. The zero value means that there is none.
type Status string

// The known statuses. Any other text is kept, never decides the status of an order, and causes a break.
const (
	Received              Status = "RECEIVED"
	Invalid               Status = "INVALID"
	Pending               Status = "PENDING"
	Placed                Status = "PLACED"
	PartiallyFilled       Status = "PARTIALLY_FILLED"
	Corrected             Status = "CORRECTED"
	Canceled              Status = "CANCELED"
	Expired               Status = "EXPIRED"
	Rejected              Status = "REJECTED"
	Filled                Status = "FILLED"
	Settled               Status = "SETTLED"
	CancellationRejected  Status = "CANCELLATION_REJECTED"
	CancellationAccepted  Status = "CANCELLATION_ACCEPTED"
	ReconciliationCorrect Status = "RECONCILIATION_CORRECTION"
	britishCanceled       Status = "CANCELLED" // ParseStatus returns Canceled for it
	rankClosed                   = 7
	rankPlacedOrLater            = 3 // rank of Pending: the platform has accepted the order
	clockSkewTolerance           = 5 * time.Minute
)

// StatusInfo is one row of the rank table.
type StatusInfo struct {
	Status  Status `json:"status"`
	Rank    int    `json:"rank" doc:"The status of the highest rank wins; 0 never decides."`
	Open    bool   `json:"open" doc:"The order can still trade."`
	Final   string `json:"final" enum:"always,whenNothingExecuted,never" doc:"When nothing more is expected."`
	Meaning string `json:"meaning"`
}

// statuses is the rank table. Closed statuses share a rank: the one with the earliest time wins, then the
// one that comes first in the table.
var statuses = []StatusInfo{
	{Received, 1, true, "never", "The platform has the order and has not looked at it."},
	{Invalid, 2, false, "always", "The request failed the platform's validation."},
	{Pending, 3, true, "never", "Accepted by the platform, not yet at the exchange."},
	{Placed, 4, true, "never", "Accepted and on the exchange."},
	{PartiallyFilled, 5, true, "never", "Part is executed, the rest is active."},
	{Corrected, 6, false, "never", "A trade was corrected after the fact; restates what the order is."},
	{Canceled, rankClosed, false, "whenNothingExecuted", "A cancellation succeeded."},
	{Expired, rankClosed, false, "whenNothingExecuted", "The order expired before it was fully filled."},
	{Rejected, rankClosed, false, "whenNothingExecuted", "The exchange rejected the order."},
	{Filled, 8, false, "never", "Fully executed; settlement is awaited."},
	{Settled, 9, false, "always", "Funds or assets are transferred."},
	{CancellationRejected, 0, false, "never", "In the platform's schema, said not to be used."},
	{CancellationAccepted, 0, false, "never", "In the platform's schema, said not to be used."},
	{ReconciliationCorrect, 0, false, "never", "In the platform's schema, said not to be used."},
}

// Statuses returns a copy of the rank table, lowest rank first, with the statuses without a rank last.
func Statuses() []StatusInfo { return append([]StatusInfo(nil), statuses...) }

// ParseStatus parses a status text: CANCELLED becomes CANCELED, everything else is unchanged.
func ParseStatus(text string) Status {
	if Status(text) == britishCanceled {
		return Canceled
	}
	return Status(text)
}

// The rows of the rank table. numStatuses stands for a status that is not in the table.
const (
	rowReceived = iota
	rowInvalid
	rowPending
	rowPlaced
	rowPartiallyFilled
	rowCorrected
	rowCanceled
	rowExpired
	rowRejected
	rowFilled
	rowSettled
	rowCancellationRejected
	rowCancellationAccepted
	rowReconciliationCorrect
	numStatuses
)

// row returns the row of s in the rank table, or numStatuses. It is a switch because a map would be slower
// and every fact needs it. A test compares the switch with the table.
func (s Status) row() int {
	switch s {
	case Received:
		return rowReceived
	case Invalid:
		return rowInvalid
	case Pending:
		return rowPending
	case Placed:
		return rowPlaced
	case PartiallyFilled:
		return rowPartiallyFilled
	case Corrected:
		return rowCorrected
	case Canceled:
		return rowCanceled
	case Expired:
		return rowExpired
	case Rejected:
		return rowRejected
	case Filled:
		return rowFilled
	case Settled:
		return rowSettled
	case CancellationRejected:
		return rowCancellationRejected
	case CancellationAccepted:
		return rowCancellationAccepted
	case ReconciliationCorrect:
		return rowReconciliationCorrect
	}
	return numStatuses
}

// info returns the row of s, or nil if s is not in the table.
func (s Status) info() *StatusInfo {
	if row := s.row(); row < numStatuses {
		return &statuses[row]
	}
	return nil
}

// Rank returns the rank of s, or 0 if s has none and never decides.
func (s Status) Rank() int {
	if row := s.info(); row != nil {
		return row.Rank
	}
	return 0
}

// Closed reports whether s is CANCELED, EXPIRED or REJECTED.
func (s Status) Closed() bool { return s.Rank() == rankClosed }

// Open reports whether an order in s can still trade.
func (s Status) Open() bool {
	row := s.info()
	return row != nil && row.Open
}
