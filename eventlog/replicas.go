package eventlog

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// clusterReplicas is how many replicas survive the loss of one server: a majority must store each
	// record.
	clusterReplicas = 3
	// quietAfter is how long a server may be silent. Its leader hears of it each second.
	quietAfter = 10 * time.Second
	// nearLag is less than what the servers of a busy log differ by at any moment.
	nearLag = 1000
)

// Replica is the copy of the log that one server has.
type Replica struct {
	Server   string
	Leader   bool
	Online   bool   // the leader has heard of it lately
	Lag      uint64 // entries that it has yet to store, each of which has one record or a batch
	SyncMode string // as Info.SyncMode, of this server
}

// InStep reports whether the replica has the log, apart from what was appended just now.
func (r *Replica) InStep() bool { return r.Online && r.Lag < nearLag }

// Replication is how many servers have the log. Servers begins with the leader.
type Replication struct {
	Replicas int // as the log is set
	Wanted   int // 3 on a cluster, or more if so many are set; 1 elsewhere
	Servers  []Replica
}

// replication returns who has the log by the report of its leader.
func replication(info *jetstream.StreamInfo, leader string, modes syncModes) Replication {
	r := Replication{Replicas: info.Config.Replicas, Wanted: wantedReplicas(info),
		Servers: []Replica{{Server: leader, Leader: true, Online: true, SyncMode: modes.of(leader)}}}
	if info.Cluster == nil {
		return r
	}
	for _, peer := range info.Cluster.Replicas {
		// Active is zero until the leader has heard of the server.
		heard := peer.Active > 0 && peer.Active < quietAfter
		r.Servers = append(r.Servers, Replica{Server: peer.Name, Online: heard && !peer.Offline, Lag: peer.Lag, SyncMode: modes.of(peer.Name)})
	}
	return r
}

func wantedReplicas(info *jetstream.StreamInfo) int {
	if info.Cluster == nil || info.Cluster.Name == "" {
		return info.Config.Replicas
	}
	return max(clusterReplicas, info.Config.Replicas)
}

// InStep returns how many servers have the log, apart from what was appended just now.
func (r *Replication) InStep() (n int) {
	for i := range r.Servers {
		if r.Servers[i].InStep() {
			n++
		}
	}
	return n
}

// TooFew returns why the log may not survive the loss of one server and what to do, "" if it does,
// and where it has one server only.
func (r *Replication) TooFew() string {
	var why []string
	if r.Replicas < r.Wanted {
		why = append(why, tooFewSet(r.Replicas))
	} else if n := len(r.Servers); n < r.Replicas {
		why = append(why, fmt.Sprintf("only %d of %d servers have the log: the cluster needs %d servers with JetStream", n, r.Replicas, r.Replicas))
	}
	for i := range r.Servers {
		switch s := &r.Servers[i]; {
		case !s.Online:
			why = append(why, fmt.Sprintf("server %s does not answer: start it again", s.Server))
		case !s.InStep():
			why = append(why, fmt.Sprintf("server %s is %d entries behind: touch no other server until it has caught up", s.Server, s.Lag))
		}
	}
	return strings.Join(why, "; ")
}

func tooFewSet(replicas int) string {
	return fmt.Sprintf("replicas on a cluster: %d; if one server fails, nothing can be stored, and records may be lost: restart a receiver with --replicas %d",
		replicas, clusterReplicas)
}

// warnOfReplicas logs at start that the log does not survive the loss of a server of its cluster.
func (l *Log) warnOfReplicas() {
	if info := l.stream.CachedInfo(); info.Config.Replicas < wantedReplicas(info) {
		l.logger.Warn("the log may not survive the loss of a server", zap.String("why", tooFewSet(info.Config.Replicas)))
	}
}
