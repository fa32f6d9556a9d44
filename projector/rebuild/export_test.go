package rebuild

import (
	"context"

	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/views"
)

// VerifyInParts is Verify with parts of that many orders.
func VerifyInParts(ctx context.Context, e Examination, orders int) (views.Findings, error) {
	draft, err := views.NewDraft(ctx, e.Dir, decode.FoldVersion())
	if err != nil {
		return views.Findings{}, err
	}
	defer draft.Close()
	b := newBuilder(e.Log, draft, e.Share, e.Report)
	b.partOrders = orders
	return compare(ctx, b, e.Dir)
}
