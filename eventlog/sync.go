package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

// The values of Info.SyncMode besides "every <interval>".
const (
	syncAlways  = "always"
	syncUnknown = "unknown"
)

const (
	// syncSubject is a request of the system account. A user of another account gets an answer only if
	// the operator exports the request to that account. No other answer of a server contains its sync
	// interval.
	syncSubject  = "$SYS.REQ.SERVER.PING.JSZ"
	syncPatience = 500 * time.Millisecond
	// syncRetry is the pause between two requests while not every server has answered.
	syncRetry = time.Minute
)

var errNobodyAnswers = errors.New("no server answers " + syncSubject)

// syncModes is how long a record may be only in the memory of a server, by the name of the server. 0
// means never. A server that does not report it has no entry.
type syncModes map[string]time.Duration

// of returns the weakest mode of the given servers, as in Info.SyncMode.
func (m syncModes) of(servers ...string) string {
	var weakest time.Duration
	for _, server := range servers {
		interval, known := m[server]
		if !known {
			return syncUnknown
		}
		weakest = max(weakest, interval)
	}
	if weakest == 0 {
		return syncAlways
	}
	return "every " + weakest.String()
}

// syncModes returns the modes of the servers that have the stream. If all of them have answered, it
// requests the modes only once for each connection, because a mode changes only when a server is
// restarted. Concurrent callers each send a request, so that none waits for another.
func (l *Log) syncModes(ctx context.Context, servers []string) syncModes {
	if l.embedded != nil {
		modes := syncModes{}
		for _, server := range servers {
			if l.embedded.SyncsAlways() {
				modes[server] = 0
			}
		}
		return modes
	}
	if !l.mayNote { // a guest has no permission, and its request would only be logged by the server
		return nil
	}
	server := l.conn.ConnectedServerId()
	l.syncLock.Lock()
	modes, asked, same := l.sync, l.syncAsked, server != "" && server == l.syncServer
	l.syncLock.Unlock()
	if same && (modes.of(servers...) != syncUnknown || time.Since(asked) < syncRetry) {
		return modes
	}
	modes, err := l.askSyncModes(ctx, servers)
	if err != nil {
		l.logger.Debug("the NATS servers do not report when they sync", zap.Error(err))
	}
	l.syncLock.Lock()
	defer l.syncLock.Unlock()
	l.sync, l.syncServer, l.syncAsked = modes, server, time.Now()
	return modes
}

// holders returns the names of the servers that have the stream on disk, the leader last.
func (l *Log) holders(info *jetstream.StreamInfo) (names []string) {
	if info.Cluster == nil {
		return []string{l.conn.ConnectedServerName()}
	}
	for _, replica := range info.Cluster.Replicas {
		names = append(names, replica.Name)
	}
	return append(names, info.Cluster.Leader)
}

// askSyncModes requests the modes of all servers, and waits for the answers of the wanted ones. With
// an error it also returns the modes received so far.
func (l *Log) askSyncModes(ctx context.Context, wanted []string) (syncModes, error) {
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	answers, err := l.conn.SubscribeSync(l.conn.NewInbox())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := answers.Unsubscribe(); err != nil {
			l.logger.Debug("a subscription was already gone", zap.Error(err))
		}
	}()
	if err := l.conn.PublishRequest(syncSubject, answers.Subject, nil); err != nil {
		return nil, err
	}
	modes := syncModes{}
	for modes.of(wanted...) == syncUnknown {
		msg, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return modes, err
		}
		server, interval, err := readSync(msg)
		switch {
		case errors.Is(err, errNobodyAnswers):
			return modes, err
		case err != nil:
			l.logger.Debug("a NATS server does not report when it syncs", zap.Error(err))
		default:
			modes[server] = interval
		}
	}
	return modes, nil
}

// readSync returns the name of the server that sent an answer, and how long a record may be only in
// the memory of that server; 0 means never.
func readSync(msg *nats.Msg) (server string, interval time.Duration, err error) {
	if len(msg.Data) == 0 {
		return "", 0, errNobodyAnswers
	}
	var answer struct {
		Server struct {
			Name string `json:"name"`
		} `json:"server"`
		Data struct {
			Config struct {
				SyncAlways   bool          `json:"sync_always"`
				SyncInterval time.Duration `json:"sync_interval"`
			} `json:"config"`
		} `json:"data"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return "", 0, err
	}
	switch config := answer.Data.Config; {
	case config.SyncAlways:
		return answer.Server.Name, 0, nil
	case config.SyncInterval > 0:
		return answer.Server.Name, config.SyncInterval, nil
	}
	return "", 0, fmt.Errorf("the answer of server %s does not contain a sync interval", answer.Server.Name)
}

// warnOfSync logs a warning if a record may not be on disk when Append returns.
func (l *Log) warnOfSync(ctx context.Context) {
	info := l.stream.CachedInfo()
	servers := l.holders(info)
	switch mode := l.syncModes(ctx, servers).of(servers...); mode {
	case syncAlways:
	case syncUnknown:
		l.logger.Warn("the NATS server does not report when records reach its disk: make sure that it is configured with jetstream sync_interval: always",
			zap.Int("replicas", info.Config.Replicas))
	default:
		l.logger.Warn("the NATS server acknowledges records before they are on its disk: records can be lost when the machine fails; configure jetstream sync_interval: always",
			zap.String("sync", mode), zap.Int("replicas", info.Config.Replicas))
	}
}
