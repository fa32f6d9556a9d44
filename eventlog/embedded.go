package eventlog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// embedded is a nats-server in this process and the data folder it works in.
type embedded struct {
	dir      string
	addr     string // of the subscribers' listener, "" without
	lock     *flock.Flock
	server   *server.Server
	messages *serverLog
	password string // of our own user, made anew at each start and never written
	users    passwords
	kept     *keptFiles
}

// startEmbedded takes the data folder and starts a server on it. On an error nothing is left running or locked.
func startEmbedded(opts Options) (_ *embedded, err error) {
	if opts.Dir == "" {
		return nil, errors.New("eventlog: no data folder given for the embedded server")
	}
	e := &embedded{dir: opts.Dir, password: rand.Text(), messages: &serverLog{logger: opts.Logger}}
	e.kept = &keptFiles{stream: e.streamDir(), safe: filepath.Join(e.dir, "nats-kept"), logger: opts.Logger}
	if !opts.MayCreate && !exists(e.streamDir()) && !exists(e.kept.safe) {
		return nil, fmt.Errorf("%w in the data folder %s: start the receiver, which creates it", ErrNoStream, opts.Dir)
	}
	if err := e.takeFolder(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.stop())
		}
	}()
	if e.users, err = loadPasswords(e.dir); err != nil {
		return nil, err
	}
	if err := e.kept.keep(); err != nil {
		return nil, err
	}
	return e, e.startServer(opts)
}

// takeFolder creates the data folder if need be and locks it. Only the last element is created: a missing parent is more
// often a disk that is not mounted than a wish.
func (e *embedded) takeFolder() error {
	if err := os.Mkdir(e.dir, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("eventlog: data folder %s: the folder above it does not exist: create it or choose another", e.dir)
		}
		return fmt.Errorf("eventlog: data folder: %w: choose one that can be written", err)
	}
	lock := flock.New(filepath.Join(e.dir, "lock"), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return fmt.Errorf("eventlog: data folder: %w: choose one that can be written", err)
	}
	if !locked {
		return fmt.Errorf("%w: %s: stop that process or choose another folder", ErrLocked, e.dir)
	}
	e.lock = lock
	return nil
}

func (e *embedded) streamDir() string {
	return filepath.Join(e.dir, "nats", server.JetStreamStoreDir, logAccount, "streams", streamName)
}

// startServer is the one place where a server is started on the folder.
func (e *embedded) startServer(opts Options) error {
	options, err := e.serverOptions(opts)
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	s.SetLogger(e.messages, false, false)
	e.server = s
	s.Start() // returns when the store is recovered and the listener is open, or after a fatal message
	if err := e.messages.fatal(); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("eventlog: the address for subscribers, %s, is taken: choose another, or an empty one for none: %w", opts.Addr, err)
		}
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	if addr := s.Addr(); addr != nil {
		e.addr = addr.String()
	}
	return nil
}

func (e *embedded) serverOptions(opts Options) (*server.Options, error) {
	config, err := accountsConfig(e.password, e.users)
	if err != nil {
		return nil, err
	}
	options := &server.Options{}
	if err := options.ProcessConfigString(config); err != nil {
		return nil, fmt.Errorf("eventlog: configure the embedded server: %w", err)
	}
	options.ServerName = "orderfold"
	options.NoSigs = true
	options.DisableJetStreamBanner = true
	options.MaxPayload = int32(opts.MaxRecord + headerRoom)
	options.JetStream = true
	options.StoreDir = filepath.Join(e.dir, "nats")
	options.SyncAlways = true
	// The limit that counts is the stream's. The server's own guess shrinks with the free disk and could then refuse a
	// stream that was accepted before.
	options.JetStreamMaxStore = 1 << 60
	options.JetStreamMaxMemory = 1 << 40
	if opts.Addr == "" {
		options.DontListen = true
		return options, nil
	}
	host, port, err := net.SplitHostPort(opts.Addr)
	if err == nil {
		options.Host = host
		options.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		return nil, fmt.Errorf("eventlog: the address for subscribers, %q, is not host:port", opts.Addr)
	}
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return options, nil
}

func (e *embedded) connect(logger *zap.Logger) (*nats.Conn, error) {
	options := append(connection(logger), nats.InProcessServer(e.server), nats.UserInfo(selfUser, e.password))
	conn, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("%w: connect to the embedded server: %w", ErrUnavailable, err)
	}
	return conn, nil
}

// mayCreateStream refuses when the folder held a stream before the server was started: what is left of it would be buried.
func (e *embedded) mayCreateStream() error {
	if !e.kept.existed {
		return nil
	}
	return fmt.Errorf("%w: the folder %s is there but the server cannot recover a stream from it (%s): nothing was changed; "+
		"restore the folder from a copy, or move it away to begin a new log", ErrNoStream, e.kept.stream, e.messages.lastWarning())
}

// ready is called when the stream is open: what was put aside for the start is dropped, and subscribers are invited.
func (e *embedded) ready() error {
	if err := e.kept.drop(); err != nil {
		return err
	}
	return writeURLs(e.dir, e.addr, e.users)
}

func (e *embedded) syncMode() string {
	if config := e.server.JetStreamConfig(); config != nil && config.SyncAlways {
		return "always"
	}
	return "unknown"
}

// stop ends the server, puts back what it may have deleted, and gives the folder free.
func (e *embedded) stop() error {
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
		e.server = nil
	}
	if e.lock == nil {
		return nil
	}
	err := errors.Join(e.kept.restore(), writeURLs(e.dir, "", e.users), e.lock.Unlock())
	e.lock = nil
	return err
}

// serverLog passes on what the server logs. A fatal message would end the process in the server's own logger; here it
// becomes the error of the start.
type serverLog struct {
	logger *zap.Logger

	mu      sync.Mutex
	failure error
	warning string
}

func (s *serverLog) fatal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

func (s *serverLog) lastWarning() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.warning == "" {
		return "it does not say why"
	}
	return s.warning
}

// Noticef logs at debug level: the server's start is of no interest to our operator.
func (s *serverLog) Noticef(format string, v ...any) { s.logger.Debug(fmt.Sprintf(format, v...)) }

// Warnf logs at warn level.
func (s *serverLog) Warnf(format string, v ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, v...))
	s.mu.Lock()
	s.warning = text
	s.mu.Unlock()
	s.logger.Warn(text)
}

// Errorf logs at warn level.
func (s *serverLog) Errorf(format string, v ...any) { s.logger.Warn(fmt.Sprintf(format, v...)) }

// Debugf drops the message.
func (s *serverLog) Debugf(string, ...any) {}

// Tracef drops the message.
func (s *serverLog) Tracef(string, ...any) {}

// Fatalf keeps the first message as an error, with the error it was given for callers that look for it.
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

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
