package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

const (
	// healthInterval is how often the health of the embedded server is checked. It is also checked
	// after each error that the server reports.
	healthInterval = time.Second
	// The pause before a restart doubles from shortestPause up to longestPause while restarts do not
	// help.
	shortestPause = 100 * time.Millisecond
	longestPause  = 15 * time.Second
	// lastingRecovery is how long a restarted server must work before the pause is reset.
	lastingRecovery = time.Minute
	// restartPatience is how long the stream may take to be available after a restart.
	restartPatience = 10 * time.Second
)

// supervise restarts the embedded server when it no longer accepts records, until ctx ends. After a
// failed write the server freezes the stream until it is restarted, even if there is room again. A
// frozen server still answers readers.
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
		l.logger.Warn("the log accepts no records until its server has been restarted", zap.Error(sick))
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

// admit lets appends begin after a start or a restart.
func (l *Log) admit() {
	crowd := crowdOnDisk
	if l.embedded.StageInMemory(maxBatchBytes) {
		crowd = crowdInMemory
	}
	l.group.admit(crowd)
}

// restart restarts the server once, and reports whether the log accepts records again.
func (l *Log) restart(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	err := l.embedded.Restart(l.largest)
	if err == nil {
		err = l.sameAgain(ctx)
	}
	if err != nil {
		l.logger.Warn("the log still accepts no records", zap.Error(err))
		return false
	}
	l.logger.Info("the log accepts records again")
	return true
}

// sameAgain waits for the stream after a restart, and checks that it contains the same log as before.
func (l *Log) sameAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restartPatience)
	defer cancel()
	for {
		bounds, err := l.Bounds(ctx)
		switch {
		case err == nil && bounds.Log == l.identity:
			return l.embedded.Recovered()
		case err == nil:
			return fmt.Errorf("%w: the identity of the log was %s, and is now %s", ErrDiverged, l.identity, bounds.Log)
		case errors.Is(err, ErrNoStream):
			// The next attempt stops the server, which puts the folder of the stream back.
			return fmt.Errorf("%w (%s)", err, l.embedded.LastWarning())
		case ctx.Err() != nil:
			return err
		}
		pause(ctx, retryPause)
	}
}
