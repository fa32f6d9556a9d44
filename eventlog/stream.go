package eventlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

const streamName = embedded.Stream

var streamSubjects = []string{"notifications.*.*", "snapshots.*.*"}

// openStream finds or creates the stream, and corrects or refuses its settings.
func (l *Log) openStream(ctx context.Context, opts Options) error {
	stream, err := l.js.Stream(ctx, streamName)
	created := errors.Is(err, jetstream.ErrStreamNotFound)
	if created {
		stream, err = l.createStream(ctx, opts)
	}
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process has just created it
		created = false
		stream, err = l.js.Stream(ctx, streamName)
	}
	switch {
	case created:
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return &Fault{Err: fmt.Errorf("%w: the NATS server has no JetStream for this account", ErrUnavailable), Hint: "enable it in its configuration"}
	case errors.Is(err, nats.ErrNoResponders):
		return &Fault{Err: fmt.Errorf("%w: no NATS server that can be reached has JetStream", ErrUnavailable), Hint: "enable it in the configuration of the servers",
			Clears: true}
	case err != nil:
		return unavailable(ctx, "look for stream "+streamName, err)
	default:
		if err = led(stream.CachedInfo()); err == nil {
			stream, err = l.repairStream(ctx, stream, opts)
		}
	}
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	if weak := weaknesses(info.Config); len(weak) > 0 {
		return &Fault{Err: fmt.Errorf("eventlog: stream %s has unsafe settings: %s", streamName, strings.Join(weak, ", ")),
			Hint: "correct it with nats stream edit, or use another server"}
	}
	l.stream, l.identity = stream, identity(info)
	return l.keepIdentity(ctx, info)
}

func (l *Log) createStream(ctx context.Context, opts Options) (jetstream.Stream, error) {
	if l.embedded != nil {
		if err := l.embedded.MayCreateStream(); err != nil {
			return nil, err
		}
	}
	if !opts.MayCreate {
		return nil, &Fault{Err: fmt.Errorf("%w: the NATS server has no stream %s", ErrNoStream, streamName), Hint: "start the receiver, which creates it"}
	}
	maxBytes := opts.MaxBytes
	if maxBytes == 0 && l.embedded != nil {
		free, err := embedded.FreeDisk(l.embedded.Dir())
		if err != nil {
			return nil, fmt.Errorf("eventlog: create the log: %w", err)
		}
		maxBytes = int64(free / 4 * 3) // the rest is for the views
	}
	if maxBytes == 0 {
		maxBytes = -1
	}
	stream, err := l.js.CreateStream(ctx, jetstream.StreamConfig{
		Name:               streamName,
		Subjects:           streamSubjects,
		Storage:            jetstream.FileStorage,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardNew,
		MaxBytes:           maxBytes,
		Replicas:           max(1, opts.Replicas),
		DenyDelete:         true,
		DenyPurge:          true,
		AllowDirect:        true,
		AllowAtomicPublish: true,
		Compression:        jetstream.NoCompression,
		Metadata:           map[string]string{identityKey: rand.Text()},
	})
	if err != nil {
		return nil, unavailable(ctx, "create stream "+streamName, err)
	}
	l.logger.Info("log created", zap.String("stream", streamName), zap.Int64("max_bytes", maxBytes))
	return stream, nil
}

// repairStream corrects those settings of an existing stream that can be changed without an effect
// on its records.
func (l *Log) repairStream(ctx context.Context, stream jetstream.Stream, opts Options) (jetstream.Stream, error) {
	state, have := stream.CachedInfo().State, stream.CachedInfo().Config
	if len(weaknesses(repaired(have, opts))) > 0 {
		return stream, nil // it cannot be repaired: the caller returns the reason
	}
	want := repaired(have, opts)
	if want.MaxBytes != have.MaxBytes && uint64(want.MaxBytes) < state.Bytes {
		return nil, fmt.Errorf("eventlog: the log already contains %d bytes: a limit of %d is too low", state.Bytes, opts.MaxBytes)
	}
	if opts.MaxBytes > 0 && want.MaxBytes > opts.MaxBytes {
		l.logger.Info("the log keeps its limit, which is above the given one; to lower it, use orderfold log limit",
			zap.Int64("limit", want.MaxBytes), zap.Int64("given", opts.MaxBytes))
	}
	same := want.DenyDelete == have.DenyDelete && want.DenyPurge == have.DenyPurge && want.AllowDirect == have.AllowDirect &&
		want.AllowAtomicPublish == have.AllowAtomicPublish && want.MaxBytes == have.MaxBytes && want.Replicas == have.Replicas
	if same {
		return stream, nil
	}
	updated, err := l.js.UpdateStream(ctx, want)
	if err != nil {
		return nil, unavailable(ctx, "correct the settings of stream "+streamName, err)
	}
	l.logger.Warn("settings of the log corrected", zap.String("stream", streamName))
	return updated, nil
}

// repaired returns config with the settings that repairStream corrects.
func repaired(config jetstream.StreamConfig, opts Options) jetstream.StreamConfig {
	config.DenyDelete, config.DenyPurge = true, true
	config.AllowDirect, config.AllowAtomicPublish = true, true
	// The limit may have been raised with SetLimit, and a restart must not undo that.
	if opts.MaxBytes > 0 {
		config.MaxBytes = max(config.MaxBytes, opts.MaxBytes)
	}
	config.Replicas = max(config.Replicas, opts.Replicas)
	return config
}

// weaknesses describes the settings with which records could be dropped, changed, or acknowledged
// before they are stored.
func weaknesses(c jetstream.StreamConfig) []string {
	subjects := slices.Sorted(slices.Values(c.Subjects))
	var weak []string
	for _, setting := range []struct {
		bad  bool
		text string
	}{
		{!slices.Equal(subjects, streamSubjects), fmt.Sprintf("subjects %v (want %v)", c.Subjects, streamSubjects)},
		{c.Storage != jetstream.FileStorage, "memory storage (want file)"},
		{c.PersistMode == jetstream.AsyncPersistMode, "persist_mode async (want default)"},
		{c.Retention != jetstream.LimitsPolicy, "retention " + c.Retention.String() + " (want limits)"},
		{c.Discard != jetstream.DiscardNew, "discard old (want new)"},
		{c.MaxAge != 0, "max_age " + c.MaxAge.String() + " (want none)"},
		{c.MaxMsgsPerSubject > 0, fmt.Sprintf("max_msgs_per_subject %d (want none)", c.MaxMsgsPerSubject)},
		{c.Compression != jetstream.NoCompression, "compression (want none)"},
		{c.NoAck, "no_ack (want acknowledgements)"},
		{c.Sealed, "sealed"},
		{c.Mirror != nil || len(c.Sources) > 0, "a mirror or sources (want none)"},
		{c.SubjectTransform != nil, "a subject transform (want none)"},
		{c.AllowRollup, "allow_rollup_hdrs (want it off)"},
		{c.AllowMsgTTL, "allow_msg_ttl (want it off)"},
		{c.AllowMsgCounter, "allow_msg_counter (want it off)"},
		{!c.DenyDelete || !c.DenyPurge, "deny_delete or deny_purge off (want both)"},
		{!c.AllowDirect, "allow_direct off (want it on)"},
		{!c.AllowAtomicPublish, "allow_atomic off (want it on, nats-server 2.12 or newer)"},
	} {
		if setting.bad {
			weak = append(weak, setting.text)
		}
	}
	return weak
}
