package eventlog

import (
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	// clusterReplicas is the smallest number of replicas with which the log survives the loss of one
	// server, because a majority must store each record.
	clusterReplicas = 3
	// quietAfter is how long a server may be silent and still be online. The leader hears from each
	// server every second.
	quietAfter = 10 * time.Second
	// nearLag is the lag from which a replica is not in step. A replica of a busy log is always a few
	// entries behind.
	nearLag = 1000
)

// Replica is the copy of the log that one server has.
type Replica struct {
	Server   string
	Leader   bool
	Online   bool   // the leader has heard from the server recently
	Lag      uint64 // entries that the server has yet to store, each of which contains a record or a batch
	SyncMode string // of this server; as Info.SyncMode
}

// InStep reports whether the replica contains the log, apart from what was appended just now.
func (r *Replica) InStep() bool { return r.Online && r.Lag < nearLag }

// Replication is the state of the replicas of the log.
type Replication struct {
	Replicas int       // as configured
	Wanted   int       // 3 on a cluster, or Replicas if that is more; otherwise Replicas
	Servers  []Replica // the leader first
}

// replication returns the state of the replicas as the leader reports it.
func replication(info *jetstream.StreamInfo, leader string, modes syncModes) Replication {
	r := Replication{Replicas: info.Config.Replicas, Wanted: wantedReplicas(info),
		Servers: []Replica{{Server: leader, Leader: true, Online: true, SyncMode: modes.of(leader)}}}
	if info.Cluster == nil {
		return r
	}
	for _, peer := range info.Cluster.Replicas {
		// Active is the time since the leader last heard from the server, and zero if it never has.
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

// InStep returns the number of replicas that are in step.
func (r *Replication) InStep() (n int) {
	for i := range r.Servers {
		if r.Servers[i].InStep() {
			n++
		}
	}
	return n
}

// TooFew returns why the log may not survive the loss of one server, and what to do. It returns "" if
// the log does survive it, and if the log has only a single server.
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
			why = append(why, fmt.Sprintf("server %s is %d entries behind: do not stop another server until it has caught up", s.Server, s.Lag))
		}
	}
	return strings.Join(why, "; ")
}

func tooFewSet(replicas int) string {
	return fmt.Sprintf("replicas on a cluster: %d; if one server fails, nothing can be stored, and records may be lost: restart a receiver with --replicas %d",
		replicas, clusterReplicas)
}

// warnOfReplicas logs a warning if the log has too few replicas for its cluster.
func (l *Log) warnOfReplicas() {
	if info := l.stream.CachedInfo(); info.Config.Replicas < wantedReplicas(info) {
		l.logger.Warn("the log may not survive the loss of a server", zap.String("why", tooFewSet(info.Config.Replicas)))
	}
}
