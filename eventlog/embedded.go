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
	opts     Options
	addr     string // of the subscribers' listener, "" without
	lock     *flock.Flock
	messages *serverLog
	password string // of our own user, made anew at each start and never written
	users    passwords
	kept     *keptFiles
	staging  string // folder in memory for batches, "" for none

	mu     sync.Mutex
	server *server.Server // another one after a restart, nil in between
}

// startEmbedded takes the data folder and starts a server on it. On an error nothing is left running or locked.
func startEmbedded(opts Options) (_ *embedded, err error) {
	if opts.Dir == "" {
		return nil, errors.New("eventlog: no data folder given for the embedded server")
	}
	e := &embedded{dir: opts.Dir, opts: opts, password: rand.Text(),
		messages: &serverLog{logger: opts.Logger, trouble: make(chan struct{}, 1)}}
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
	return e, e.startServer()
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
func (e *embedded) startServer() error {
	if err := e.findStaging(); err != nil {
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	options, err := e.serverOptions()
	if err != nil {
		return err
	}
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	s.SetLogger(e.messages, false, false)
	e.mu.Lock()
	e.server = s
	e.mu.Unlock()
	s.Start() // returns when the store is recovered and the listener is open, or after a fatal message
	if err := e.messages.fatal(); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("eventlog: the address for subscribers, %s, is taken: choose another, or an empty one for none: %w", e.opts.Addr, err)
		}
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	if addr := s.Addr(); addr != nil {
		e.addr = addr.String()
		e.opts.Addr = e.addr // a restart keeps the port
	}
	return nil
}

func (e *embedded) serverOptions() (*server.Options, error) {
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
	options.MaxPayload = int32(e.opts.MaxRecord + headerRoom)
	options.JetStream = true
	options.StoreDir = filepath.Join(e.dir, "nats")
	options.SyncAlways = true
	// The limit that counts is the stream's. The server's own guess shrinks with the free disk and could then refuse a
	// stream that was accepted before.
	options.JetStreamMaxStore = 1 << 60
	options.JetStreamMaxMemory = 1 << 40
	if e.opts.Addr == "" {
		options.DontListen = true
		return options, nil
	}
	host, port, err := net.SplitHostPort(e.opts.Addr)
	if err == nil {
		options.Host = host
		options.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		return nil, fmt.Errorf("eventlog: the address for subscribers, %q, is not host:port", e.opts.Addr)
	}
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return options, nil
}

func (e *embedded) connect(logger *zap.Logger) (*nats.Conn, error) {
	options := append(connection(logger), nats.InProcessServer(e), nats.UserInfo(selfUser, e.password))
	conn, err := nats.Connect("", options...)
	if err != nil {
		return nil, fmt.Errorf("%w: connect to the embedded server: %w", ErrUnavailable, err)
	}
	return conn, nil
}

// InProcessConn connects to the server that runs now: the client asks again after a restart.
func (e *embedded) InProcessConn() (net.Conn, error) {
	if s := e.running(); s != nil {
		return s.InProcessConn()
	}
	return nil, errors.New("the embedded server is being restarted")
}

func (e *embedded) running() *server.Server {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.server
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
	if s := e.running(); s != nil {
		if config := s.JetStreamConfig(); config != nil && config.SyncAlways {
			return syncAlways
		}
	}
	return syncUnknown
}

// stopServer ends the server, if one runs.
func (e *embedded) stopServer() {
	e.mu.Lock()
	s := e.server
	e.server = nil
	e.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// stop ends the server, puts back what it may have deleted, and gives the folder free.
func (e *embedded) stop() error {
	e.stopServer()
	e.dropStaging()
	if e.lock == nil {
		return nil
	}
	err := errors.Join(e.kept.restore(), writeURLs(e.dir, "", e.users), e.lock.Unlock())
	e.lock = nil
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
