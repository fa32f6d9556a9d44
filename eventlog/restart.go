package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
)

const (
	// healthInterval is how often the embedded server is asked how it is, beside whenever it reports an error.
	healthInterval = time.Second
	// sickness that lasts so long is one.
	sickness = 250 * time.Millisecond
	// The pause before a restart doubles while restarts do not help.
	shortestPause = 100 * time.Millisecond
	longestPause  = 15 * time.Second
	// lastingRecovery is how long a server must have worked for the next failure to be a new one.
	lastingRecovery = time.Minute
	// restartPatience is how long a restarted server may take until the stream answers.
	restartPatience = 10 * time.Second
)

// supervise restarts the embedded server when it does not take records any more: after a failed write it freezes the
// stream until then, also when there is room again. While it is frozen it still answers readers.
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
		case <-l.embedded.messages.trouble:
		}
		l.keepSeen()
		sick := l.embedded.lastingly(ctx)
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
		l.group.admit(l.embedded.stageInMemory())
		recovered = time.Now()
	}
}

// restart tries once, and says whether the log takes records again.
func (l *Log) restart(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	err := l.embedded.tryWriting()
	if err == nil {
		err = l.embedded.restart()
	}
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

// sameAgain waits for the stream after a restart, and makes sure that it is the one that was there before.
func (l *Log) sameAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restartPatience)
	defer cancel()
	for {
		bounds, err := l.Bounds(ctx)
		switch {
		case err == nil && bounds.Log == l.identity:
			return l.embedded.kept.drop()
		case err == nil:
			return fmt.Errorf("%w: the log made at %s was there before, the one made at %s is now", ErrDiverged, l.identity, bounds.Log)
		case errors.Is(err, ErrNoStream):
			// The folder is put back when the server is stopped, before the next attempt.
			return fmt.Errorf("%w (%s)", err, l.embedded.messages.lastWarning())
		case ctx.Err() != nil:
			return err
		}
		pause(ctx, retryPause)
	}
}

// restart ends the server and starts another one in its place.
func (e *embedded) restart() error {
	e.stopServer()
	if err := e.kept.keep(); err != nil {
		return err
	}
	e.messages.forget()
	return e.startServer()
}

// tryWriting finds out whether the largest record would fit on the disk, so that a frozen server, which still answers
// readers, is not stopped in vain.
func (e *embedded) tryWriting() error {
	file, err := os.CreateTemp(e.dir, "room.*")
	if err == nil {
		_, err = file.Write(make([]byte, e.opts.MaxRecord+headerRoom))
		err = errors.Join(err, file.Sync(), file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return fmt.Errorf("eventlog: the data folder cannot be written: %w", err)
	}
	return nil
}

// lastingly asks for the health twice: a consumer that comes or goes is missing for a moment.
func (e *embedded) lastingly(ctx context.Context) error {
	if e.health() == nil {
		return nil
	}
	pause(ctx, sickness)
	return e.health()
}

// health asks the server in the way of its monitoring endpoint, which needs no listener.
func (e *embedded) health() error {
	s := e.running()
	if s == nil {
		return errors.New("it does not run")
	}
	question, err := http.NewRequest(http.MethodGet, "/healthz", nil)
	if err != nil {
		return err
	}
	answer := &healthAnswer{}
	s.HandleHealthz(answer, question)
	if answer.status == http.StatusOK || answer.status == 0 {
		return nil
	}
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer.body.Bytes(), &said); err != nil || said.Error == "" {
		said.Error = fmt.Sprintf("its health is %d", answer.status)
	}
	return errors.New(said.Error)
}

// healthAnswer keeps what the server answers.
type healthAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the headers, which nobody reads.
func (a *healthAnswer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// WriteHeader keeps the status.
func (a *healthAnswer) WriteHeader(status int) { a.status = status }

// Write keeps the body.
func (a *healthAnswer) Write(part []byte) (int, error) { return a.body.Write(part) }
