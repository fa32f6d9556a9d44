package embedded

import (
	"fmt"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// serverLog passes on the server's log messages. A fatal message would end the process in the
// server's own logger; here it becomes the error of the start.
type serverLog struct {
	logger  *zap.Logger
	trouble chan struct{} // gets a signal when the server reports an error

	mu      sync.Mutex
	failure error
	warning string
}

func (s *serverLog) fatal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// forget is called before another server is started.
func (s *serverLog) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure, s.warning = nil, ""
}

func (s *serverLog) lastWarning() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warning == "" {
		return "it does not report why"
	}
	return s.warning
}

// Noticef logs at debug level, because the server's reports about its start do not help an
// operator.
func (s *serverLog) Noticef(format string, v ...any) { s.logger.Debug(fmt.Sprintf(format, v...)) }

// Warnf logs at warn level, except for reports of backups: only our own readers request backups,
// and they log the result.
func (s *serverLog) Warnf(format string, v ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, v...))
	if strings.HasPrefix(text, "Snapshot for stream ") {
		s.logger.Debug(text)
		return
	}
	s.mu.Lock()
	s.warning = text
	s.mu.Unlock()
	s.logger.Warn(text)
}

// Errorf logs at warn level.
func (s *serverLog) Errorf(format string, v ...any) {
	s.logger.Warn(strings.TrimSpace(fmt.Sprintf(format, v...)))
	select {
	case s.trouble <- struct{}{}:
	default:
	}
}

// Debugf drops the message.
func (s *serverLog) Debugf(string, ...any) {}

// Tracef drops the message.
func (s *serverLog) Tracef(string, ...any) {}

// Fatalf keeps the first message as an error. If the message contains an error, it keeps that
// error, so that callers can examine it.
func (s *serverLog) Fatalf(format string, v ...any) {
	failure := fmt.Errorf(format, v...)
	for _, arg := range v {
		if err, ok := arg.(error); ok {
			failure = err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = failure
	}
}
