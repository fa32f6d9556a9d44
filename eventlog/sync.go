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
	// syncSubject is a request of the system account. An ordinary user gets an answer only if the operator exports it to
	// the user's account; nothing else that a server tells its users says when it syncs.
	syncSubject  = "$SYS.REQ.SERVER.PING.JSZ"
	syncPatience = 500 * time.Millisecond
)

// syncMode returns the weakest mode of the servers that have the stream. It asks once per
// connection, because a server must be restarted to change it. Concurrent callers each ask, so that
// none waits for another.
func (l *Log) syncMode(ctx context.Context, info *jetstream.StreamInfo) string {
	if l.embedded != nil {
		if l.embedded.SyncsAlways() {
			return syncAlways
		}
		return syncUnknown
	}
	if !l.mayNote { // a running service's server would log the missing permission of its guest
		return syncUnknown
	}
	server := l.conn.ConnectedServerId()
	l.syncLock.Lock()
	mode, known := l.sync, server != "" && server == l.syncServer
	l.syncLock.Unlock()
	if known {
		return mode
	}
	mode, err := l.askSyncMode(ctx, holders(info, l.conn))
	if err != nil {
		l.logger.Debug("the NATS server does not report when it syncs", zap.Error(err))
	}
	l.syncLock.Lock()
	defer l.syncLock.Unlock()
	l.sync, l.syncServer = mode, server
	return mode
}

// holders returns the names of the servers that have the stream on disk.
func holders(info *jetstream.StreamInfo, conn *nats.Conn) map[string]bool {
	names := map[string]bool{}
	if info.Cluster != nil {
		for _, replica := range info.Cluster.Replicas {
			names[replica.Name] = true
		}
		if info.Cluster.Leader != "" {
			names[info.Cluster.Leader] = true
		}
	}
	if len(names) == 0 {
		names[conn.ConnectedServerName()] = true
	}
	return names
}

// askSyncMode asks every server and waits for those that are wanted.
func (l *Log) askSyncMode(ctx context.Context, wanted map[string]bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, syncPatience)
	defer cancel()
	answers, err := l.conn.SubscribeSync(l.conn.NewInbox())
	if err != nil {
		return syncUnknown, err
	}
	defer func() {
		if err := answers.Unsubscribe(); err != nil {
			l.logger.Debug("a subscription was gone already", zap.Error(err))
		}
	}()
	if err := l.conn.PublishRequest(syncSubject, answers.Subject, nil); err != nil {
		return syncUnknown, err
	}
	var weakest time.Duration
	for len(wanted) > 0 {
		msg, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return syncUnknown, err
		}
		server, interval, err := readSync(msg)
		if err != nil {
			return syncUnknown, err
		}
		if wanted[server] {
			weakest = max(weakest, interval)
		}
		delete(wanted, server)
	}
	if weakest == 0 {
		return syncAlways, nil
	}
	return "every " + weakest.String(), nil
}

// readSync returns how long a record may be only in that server's memory; 0 is never.
func readSync(msg *nats.Msg) (server string, interval time.Duration, err error) {
	if len(msg.Data) == 0 {
		return "", 0, errors.New("nobody answers " + syncSubject)
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
	return "", 0, fmt.Errorf("server %s does not say when it syncs", answer.Server.Name)
}

// warnOfSync logs at start what is not guaranteed.
func (l *Log) warnOfSync(ctx context.Context) {
	info := l.stream.CachedInfo()
	switch mode := l.syncMode(ctx, info); mode {
	case syncAlways:
	case syncUnknown:
		l.logger.Warn("the NATS server does not tell when records reach its disk: make sure that it is configured with jetstream sync_interval: always",
			zap.Int("replicas", info.Config.Replicas))
	default:
		l.logger.Warn("the NATS server writes to its disk later than it acknowledges: records can be lost when the machine fails; configure jetstream sync_interval: always",
			zap.String("sync", mode), zap.Int("replicas", info.Config.Replicas))
	}
}
