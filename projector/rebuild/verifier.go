package rebuild

import (
	"context"
	"time"

	"github.com/orderfold/orderfold/projector/decode"
	"github.com/orderfold/orderfold/projector/fold"
	"github.com/orderfold/orderfold/projector/views"
	"go.uber.org/zap"
)

// Verdicts records the results of examinations. The views implement it.
type Verdicts interface {
	SetVerified(ctx context.Context, generation int, revision int64, v views.Verified) error
	GiveUp(generation int, reason string) error
	Status(ctx context.Context) (views.Status, error)
}

// Verifier examines the views repeatedly, with a bounded share of the machine.
type Verifier struct {
	Examination Examination
	Verdicts    Verdicts
	Never       bool          // do not examine; only withdraw a verdict that no comparison was possible
	Every       time.Duration // from the end of one examination to the beginning of the next
	Logger      *zap.Logger
}

// verdictStep is the time between two checks whether the verdict was dropped.
const verdictStep = 5 * time.Second

// Run examines until ctx ends, and then returns nil. It examines early if the verdict was dropped,
// because orders were redriven or another generation was made live. It records the result in
// Verdicts, also if the log does not fit the views or lost records. An examination that fails for
// another reason is logged and changes nothing.
func (v *Verifier) Run(ctx context.Context) error {
	given := false
	next := time.Now().Add(v.Every)
	if v.begin(ctx) {
		next = time.Now()
	}
	if v.Never {
		<-ctx.Done()
		return nil
	}
	for {
		timer := time.NewTimer(min(v.Every, verdictStep))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if time.Now().Before(next) && (!given || !v.dropped(ctx)) {
			continue
		}
		err := v.examine(ctx)
		if err != nil && ctx.Err() == nil {
			v.Logger.Warn("the views were not examined", zap.Error(err))
			if fold.NeedsOperator(err) {
				v.unfit(ctx, err)
			}
		}
		given, next = err == nil, time.Now().Add(v.Every)
	}
}

// begin withdraws the verdict that no comparison was possible, and reports whether there was one.
// An operator has acted since, and the projector checks again whether the log fits.
func (v *Verifier) begin(ctx context.Context) bool {
	status, err := v.Verdicts.Status(ctx)
	if err != nil || !status.Verified.Unexamined() {
		return false
	}
	v.verdict(ctx, &status, "")
	return true
}

func (v *Verifier) dropped(ctx context.Context) bool {
	status, err := v.Verdicts.Status(ctx)
	return err == nil && status.Verified.At.IsZero()
}

// unfit records that the views cannot be compared with the log. The rest of the last verdict stays.
func (v *Verifier) unfit(ctx context.Context, err error) {
	if status, statusErr := v.Verdicts.Status(ctx); statusErr == nil {
		v.verdict(ctx, &status, views.UnexaminedPrefix+err.Error())
	}
}

// verdict replaces the difference in the last verdict.
func (v *Verifier) verdict(ctx context.Context, status *views.Status, difference string) {
	verified := status.Verified
	verified.Difference = difference
	if err := v.Verdicts.SetVerified(ctx, status.Generation, status.Revision.Number, verified); err != nil && ctx.Err() == nil {
		v.Logger.Warn("the views cannot record that they were not examined", zap.Error(err))
	}
}

func (v *Verifier) examine(ctx context.Context) error {
	begin := time.Now()
	found, err := Verify(ctx, v.Examination)
	if err != nil {
		return err
	}
	fields := []zap.Field{zap.Int("generation", found.Generation), zap.Uint64("sequence", found.Sequence),
		zap.Uint64("orders", found.Orders), zap.Duration("taken", time.Since(begin))}
	verdict := views.Verified{Sequence: found.Sequence, At: time.Now(), Difference: decode.Bounded(found.Summary())}
	if loss, err := acceptedLoss(ctx, v.Examination.Log); err == nil && loss != "" && !found.Equal() {
		verdict.Difference += "; " + loss
	}
	if found.Equal() {
		v.Logger.Info("the views equal the fold of the log", fields...)
	} else {
		v.Logger.Error("the views differ from the fold of the log", append(fields, zap.String("difference", verdict.Difference))...)
	}
	if found.Damage != "" {
		return v.Verdicts.GiveUp(found.Generation, decode.Bounded(found.Damage))
	}
	return v.Verdicts.SetVerified(ctx, found.Generation, found.Revision, verdict)
}
