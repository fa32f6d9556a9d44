package api

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/fnv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/orderfold/orderfold/statemachine"
)

// HistoryEntry states what one notification said and did.
type HistoryEntry struct {
	Sequence         uint64   `json:"sequence"`
	ReceivedAt       *string  `json:"receivedAt" format:"date-time" doc:"null if the record is lost."`
	At               *string  `json:"at" format:"date-time" doc:"modifiedOn of the notification."`
	Kind             *string  `json:"kind" enum:"reported,fetched" doc:"null if the record is lost."`
	Status           *string  `json:"status" doc:"As in the notification."`
	Executed         *string  `json:"executed" doc:"Cumulative, as in the notification."`
	NotificationType *string  `json:"notificationType" example:"UPDATED"`
	Effect           string   `json:"effect" doc:"The effect of the notification on the order."`
	Rule             string   `json:"rule" doc:"The reason in words."`
	StatusAfter      *string  `json:"statusAfter"`
	BreaksOpened     []string `json:"breaksOpened"`
	BreaksClosed     []string `json:"breaksClosed"`
	Notes            []string `json:"notes" doc:"The values that could not be read."`
}

// TransformSchema lists the allowed effects.
func (*HistoryEntry) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Properties["effect"].Enum = []any{statemachine.Applied, statemachine.Confirmed, statemachine.Late,
		statemachine.Duplicate, statemachine.Superseded, statemachine.Restated, statemachine.Annotated, statemachine.Lost}
	s.Properties["kind"].Enum = []any{"reported", "fetched", nil}
	s.Properties["statusAfter"].Enum = append(statusNames(), nil)
	return s
}

func newHistoryEntry(e *statemachine.Entry) HistoryEntry {
	entry := HistoryEntry{
		Sequence: e.Sequence, ReceivedAt: knownTime(e.Received, e.Effect != statemachine.Lost), At: knownTime(e.At, e.Dated),
		Status: known(e.Status), Executed: known(e.Executed), NotificationType: known(e.Type),
		Effect: string(e.Effect), Rule: e.Rule, StatusAfter: known(e.StatusAfter),
		BreaksOpened: codeNames(e.Opened), BreaksClosed: codeNames(e.Closed), Notes: append([]string{}, e.Notes...),
	}
	if e.Effect != statemachine.Lost {
		entry.Kind = known(e.Kind.String())
	}
	return entry
}

func codeNames(codes []statemachine.Code) []string {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = code.String()
	}
	return names
}

type historyInput struct {
	ID     string `path:"id" doc:"orderId, percent-encoded."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"Maximum number of entries on a page."`
	Cursor string `query:"cursor" doc:"nextCursor of the previous page of the same order. It names positions in the log, so any process with views of that log accepts it."`
	AsOf
}

type historyOutput struct {
	As
	Body List[HistoryEntry]
}

// asked makes a later page wait until the views are where they were for the first page: a page may
// be served by another process whose views are behind.
func (in *historyInput) asked() AtLeast {
	q := in.AsOf.asked()
	if c, err := readHistoryCursor(in.Cursor, in.ID); err == nil {
		q.MinSequence = max(q.MinSequence, c.applied)
	}
	return q
}

// Resolve refuses a cursor that does not belong to the order.
func (in *historyInput) Resolve(huma.Context) []error {
	if _, err := readHistoryCursor(in.Cursor, in.ID); err != nil {
		return []error{&huma.ErrorDetail{Location: "query.cursor", Message: err.Error(), Value: in.Cursor}}
	}
	return nil
}

func (a *API) getHistory(ctx context.Context, in *historyInput) (*historyOutput, error) {
	from, err := readHistoryCursor(in.Cursor, in.ID)
	if err != nil {
		return nil, err // Resolve has already refused an invalid one
	}
	past, at, err := a.past(ctx, in.ID, in.AsOf, func(asOf statemachine.AsOf) (statemachine.Past, error) {
		return a.history.History(ctx, in.ID, statemachine.Stretch{AsOf: asOf, After: from.after, Limit: in.Limit})
	})
	if err != nil {
		return nil, err
	}
	list := List[HistoryEntry]{Data: make([]HistoryEntry, len(past.Entries))}
	for i := range past.Entries {
		list.Data[i] = newHistoryEntry(&past.Entries[i])
	}
	if past.More {
		last := past.Entries[len(past.Entries)-1].Sequence // the views may have advanced meanwhile
		list.NextCursor = known(historyCursor{last, max(from.applied, at.Applied, last)}.text(in.ID))
	}
	return &historyOutput{As{at.Applied}, list}, nil
}

// historyCursor contains the end of a page of a history, and the position of the views from which
// it was made. It refers only to positions in the log.
type historyCursor struct{ after, applied uint64 }

func (c historyCursor) text(id string) string {
	b := binary.AppendUvarint(binary.AppendUvarint(nil, c.after), c.applied)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, sealOf(b, id)))
}

var errHistoryCursor = errors.New("this is not a nextCursor of the history of this order; start again without a cursor")

// readHistoryCursor returns the zero cursor, which is the beginning, for an empty text.
func readHistoryCursor(text, id string) (c historyCursor, err error) {
	if text == "" {
		return c, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 4 {
		return c, errHistoryCursor
	}
	b, seal := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	after, n := binary.Uvarint(b)
	applied, m := binary.Uvarint(b[max(n, 0):])
	if n <= 0 || m <= 0 || n+m != len(b) || seal != sealOf(b, id) || after > applied {
		return c, errHistoryCursor
	}
	return historyCursor{after, applied}, nil
}

// sealOf returns a checksum that binds a cursor to its order. It is not a secret.
func sealOf(b []byte, id string) uint32 {
	h := fnv.New32a()
	h.Write(b)
	h.Write([]byte(id))
	return h.Sum32()
}
