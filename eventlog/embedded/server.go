package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
)

// Options configure a Server.
type Options struct {
	// Dir is the data folder. Its parent must exist. The server's store is in Dir/nats.
	Dir string
	// Addr is the address at which the server listens for subscribers, "host:port"; port 0 picks a
	// free one. Empty: it does not listen.
	Addr string
	// MayCreate allows Start to use a folder that contains no stream. Otherwise Start fails with
	// ErrNoStream.
	MayCreate bool
	// MaxMessage is the size in bytes, headers included, of the largest message that the server
	// takes.
	MaxMessage int
	// MaxWaiting is the number of bytes of messages that may wait in the server to be stored. There
	// is always room for at least two messages of the largest size.
	MaxWaiting int64
	// SyncNothing is for a restore: the restored log is useless until it is complete, and is then
	// synced as a whole.
	SyncNothing bool
	// Logger receives the messages that the server logs. It must not be nil.
	Logger *zap.Logger
}

// Server is a nats-server in this process, with its data folder. Its methods may be called from any
// goroutine, but Restart and Stop only one at a time.
type Server struct {
	dir                  string
	opts                 Options
	addr                 string // of the subscribers' listener, "" without one
	lock                 *flock.Flock
	messages             *serverLog
	password             string // of our own user, made again at each start and never written
	guard                *guard
	second               *secondNames
	staging, feedStaging *staging
	diskFull             atomic.Pointer[error] // why nothing can be written to the disk; nil: it can

	mu     sync.Mutex
	server *server.Server // replaced by a restart, nil in between

	usersMu sync.Mutex // held while they change
	users   passwords
}

// Start locks the data folder and starts a server on it. After an error nothing is left running or
// locked. Errors: ErrLocked, ErrNoStream, and others; those that an operator can act on are a
// *Fault. The caller stops the server.
func Start(opts Options) (_ *Server, err error) {
	if opts.Dir == "" {
		return nil, errors.New("eventlog: no data folder given for the embedded server")
	}
	s := &Server{dir: opts.Dir, opts: opts, password: rand.Text(),
		messages: &serverLog{logger: opts.Logger, trouble: make(chan struct{}, 1)}}
	s.staging = &staging{dir: s.dir, link: filepath.Join(s.streamDir(), "batches"), logger: opts.Logger}
	s.feedStaging = &staging{dir: s.dir, stream: Feed, link: filepath.Join(s.folderOf(Feed), "batches"), logger: opts.Logger}
	s.second = &secondNames{stream: s.streamDir(), safe: filepath.Join(s.dir, "nats-kept"), logger: opts.Logger}
	if !opts.MayCreate && !exists(s.streamDir()) && !exists(s.second.safe) {
		return nil, &Fault{Err: fmt.Errorf("%w in the data folder %s", ErrNoStream, opts.Dir), Hint: "start the receiver, which creates it"}
	}
	if _, err := makeFolder(s.dir); err != nil {
		return nil, err
	}
	if s.lock, err = lockFolder(s.dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if exists(filepath.Join(s.dir, draftName)) {
		return nil, &Fault{Err: fmt.Errorf("eventlog: a restore into %s did not end", s.dir),
			Hint: fmt.Sprintf("run orderfold restore again, or remove the folder %s in it to begin a new log", draftName)}
	}
	if s.users, err = loadPasswords(s.dir); err != nil {
		return nil, err
	}
	s.guard = newGuard(s.running, s.password, s.users)
	if err := s.second.give(); err != nil {
		return nil, err
	}
	return s, s.start()
}

func (s *Server) streamDir() string { return s.folderOf(Stream) }

func (s *Server) folderOf(stream string) string {
	return filepath.Join(s.dir, "nats", server.JetStreamStoreDir, logAccount, "streams", stream)
}

// start is the only function that starts a server on the folder.
func (s *Server) start() error {
	if err := errors.Join(s.staging.find(), s.feedStaging.find()); err != nil {
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	options, err := s.serverOptions()
	if err != nil {
		return err
	}
	started, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	started.SetLogger(s.messages, false, false)
	s.mu.Lock()
	s.server = started
	s.mu.Unlock()
	// Start returns after the store is recovered and the listener is open, or after a fatal
	// message.
	started.Start()
	if err := s.messages.fatal(); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return &Fault{Err: fmt.Errorf("eventlog: the address for subscribers, %s, is taken", s.opts.Addr),
				Hint: "choose another, or an empty one for none"}
		}
		return fmt.Errorf("eventlog: start the embedded server: %w", err)
	}
	if addr := started.Addr(); addr != nil && s.addr == "" {
		s.addr = addr.String()
		// A restart keeps the port, and changes nothing that callers read meanwhile.
		s.opts.Addr = s.addr
	}
	return nil
}

func (s *Server) serverOptions() (*server.Options, error) {
	options := &server.Options{}
	if err := options.ProcessConfigString(accountsConfig()); err != nil {
		return nil, fmt.Errorf("eventlog: configure the embedded server: %w", err)
	}
	options.CustomClientAuthentication = s.guard
	options.ServerName = ServerName
	options.NoSigs = true
	options.DisableJetStreamBanner = true
	options.MaxPayload = int32(s.opts.MaxMessage)
	options.JetStream = true
	options.StreamMaxBufferedSize = max(s.opts.MaxWaiting, 2*int64(options.MaxPayload))
	options.StoreDir = filepath.Join(s.dir, "nats")
	options.SyncAlways = !s.opts.SyncNothing
	// The stream's own limit is the effective one. The server would derive another one from the
	// free disk space, and could then refuse a stream that it had accepted.
	options.JetStreamMaxStore = 1 << 60
	options.JetStreamMaxMemory = 1 << 40
	if s.opts.Addr == "" {
		options.DontListen = true
		return options, nil
	}
	host, port, err := net.SplitHostPort(s.opts.Addr)
	if err == nil {
		options.Host = host
		options.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		return nil, fmt.Errorf("eventlog: the address for subscribers, %q, is not host:port", s.opts.Addr)
	}
	if options.Port == 0 {
		options.Port = server.RANDOM_PORT
	}
	return options, nil
}

// InProcessConn connects to the running server. The client library calls it again after a restart.
// It fails while the server is being restarted.
func (s *Server) InProcessConn() (net.Conn, error) {
	if running := s.running(); running != nil {
		return running.InProcessConn()
	}
	return nil, errors.New("the embedded server is being restarted")
}

func (s *Server) running() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server
}

// Login returns the user and password with every right on the stream. They are accepted only on
// connections inside the process.
func (s *Server) Login() (user, password string) { return selfUser, s.password }

// Dir returns the data folder.
func (s *Server) Dir() string { return s.dir }

// Addr returns the address to which subscribers connect, or "" if the server does not listen.
func (s *Server) Addr() string { return s.addr }

// SyncsAlways reports whether the server syncs every message to the disk before it acknowledges it.
func (s *Server) SyncsAlways() bool {
	running := s.running()
	if running == nil {
		return false
	}
	config := running.JetStreamConfig()
	return config != nil && config.SyncAlways
}

// MayCreateStream returns ErrNoStream when the folder contained a stream before the server was
// started, because a new stream would bury the remains of the old one.
func (s *Server) MayCreateStream() error {
	if !s.second.existed {
		return nil
	}
	return &Fault{Err: fmt.Errorf("%w: the folder %s is there but the server cannot recover a stream from it (%s): nothing was changed",
		ErrNoStream, s.second.stream, s.messages.lastWarning()),
		Hint: "restore the folder from a copy, or move it away to begin a new log"}
}

// StageInMemory makes the server keep batches of at most that many bytes in memory until they are
// committed. It reports whether that is possible: there must be room for four of them. It is called
// when the stream is open.
func (s *Server) StageInMemory(largestBatch int) bool { return s.staging.inMemory(largestBatch) }

// StageFeedInMemory does the same for batches of the feed, whose stream must exist. It may be
// called again.
func (s *Server) StageFeedInMemory(largestBatch int) bool {
	return s.feedStaging.inMemory(largestBatch)
}

// Recovered is called when the stream is open, after the start and after each restart. It drops the
// second names of the stream's files.
func (s *Server) Recovered() error { return s.second.drop() }

// Invite writes into the data folder the URLs with which subscribers connect.
func (s *Server) Invite() error {
	return errors.Join(writeURLs(s.dir, s.addr, s.users), s.inviteSubscribers())
}

// end ends the server, if one runs.
func (s *Server) end() {
	s.mu.Lock()
	running := s.server
	s.server = nil
	s.mu.Unlock()
	if running != nil {
		running.Shutdown()
		running.WaitForShutdown()
	}
}

// Stop ends the server, puts back files that it may have deleted, and unlocks the folder.
func (s *Server) Stop() error {
	s.end()
	s.staging.drop()
	s.feedStaging.drop()
	if s.lock == nil {
		return nil
	}
	err := errors.Join(s.second.restore(), writeURLs(s.dir, "", s.users), s.lock.Unlock())
	s.lock = nil
	return err
}
