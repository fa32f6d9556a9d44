package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	// healthInterval is how often the embedded server's health is checked. It is also checked after
	// each reported error.
	healthInterval = time.Second
	// The pause before a restart doubles while restarts do not help.
	shortestPause = 100 * time.Millisecond
	longestPause  = 15 * time.Second
	// lastingRecovery is how long a server must have worked so that the next failure counts as a
	// new one.
	lastingRecovery = time.Minute
	// restartPatience is how long a restarted server may take until the stream answers.
	restartPatience = 10 * time.Second
)

// supervise restarts the embedded server when it no longer accepts records. After a failed write
// the server freezes the stream until it is restarted, even if there is room again. A frozen server
// still answers readers.
func (l *Log) supervise(ctx context.Context) {
	tick := time.NewTicker(healthInterval)
	defer tick.Stop()
	var wait time.Duration
	var recovered time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.embedded.Trouble():
		}
		l.keepSeen()
		l.embedded.CheckDisk()
		sick := l.embedded.Sick(ctx)
		if sick == nil {
			continue
		}
		if time.Since(recovered) > lastingRecovery {
			wait = 0
		}
		why := fmt.Errorf("the embedded server is being restarted: %w", sick)
		l.group.refuse(why)
		l.logger.Warn("the log takes no records until its server is restarted", zap.Error(sick))
		for healed := false; !healed && ctx.Err() == nil; {
			wait = min(max(2*wait, shortestPause), longestPause)
			pause(ctx, wait)
			healed = l.restart(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		l.admit()
		recovered = time.Now()
	}
}

// admit has appends begin, or continue after a restart.
func (l *Log) admit() {
	crowd := crowdOnDisk
	if l.embedded.StageInMemory(maxBatchBytes) {
		crowd = crowdInMemory
	}
	l.group.admit(crowd)
}

// restart tries once, and reports whether the log accepts records again.
func (l *Log) restart(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	err := l.embedded.Restart(l.largest)
	if err == nil {
		err = l.sameAgain(ctx)
	}
	if err != nil {
		l.logger.Warn("the log still takes no records", zap.Error(err))
		return false
	}
	l.logger.Info("the log takes records again")
	return true
}

// sameAgain waits for the stream after a restart, and checks that it is the same one as before.
func (l *Log) sameAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restartPatience)
	defer cancel()
	for {
		bounds, err := l.Bounds(ctx)
		switch {
		case err == nil && bounds.Log == l.identity:
			return l.embedded.Recovered()
		case err == nil:
			return fmt.Errorf("%w: the log %s was there before, the log %s is now", ErrDiverged, l.identity, bounds.Log)
		case errors.Is(err, ErrNoStream):
			// The folder is put back when the server is stopped, before the next attempt.
			return fmt.Errorf("%w (%s)", err, l.embedded.LastWarning())
		case ctx.Err() != nil:
			return err
		}
		pause(ctx, retryPause)
	}
}
