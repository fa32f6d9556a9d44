package eventlog_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

func TestTooFewReportsMissingReplicasAndWhatToDo(t *testing.T) {
	leader := eventlog.Replica{Server: "A", Leader: true, Online: true}
	follower := func(name string) eventlog.Replica { return eventlog.Replica{Server: name, Online: true} }
	quiet := eventlog.Replica{Server: "C"}
	slow := eventlog.Replica{Server: "B", Online: true, Lag: 5000}
	busy := eventlog.Replica{Server: "B", Online: true, Lag: 12}
	tests := []struct {
		name             string
		replicas, wanted int
		servers          []eventlog.Replica
		inStep           int
		says             string
	}{
		{"one server without a cluster", 1, 1, []eventlog.Replica{leader}, 1, ""},
		{"all replicas are in step", 3, 3, []eventlog.Replica{leader, busy, follower("C")}, 3, ""},
		{"one replica on a cluster", 1, 3, []eventlog.Replica{leader}, 1,
			"replicas on a cluster: 1; if one server fails, nothing can be stored, and records may be lost: restart a receiver with --replicas 3"},
		{"two replicas, one of them offline", 2, 3, []eventlog.Replica{leader, quiet}, 1,
			"replicas on a cluster: 2; if one server fails, nothing can be stored, and records may be lost: restart a receiver with --replicas 3; " +
				"server C does not answer: start it again"},
		{"one replica offline and one behind", 3, 3, []eventlog.Replica{leader, slow, quiet}, 1,
			"server B is 5000 entries behind: do not stop another server until it has caught up; server C does not answer: start it again"},
		{"a server was removed", 3, 3, []eventlog.Replica{leader, follower("B")}, 2,
			"only 2 of 3 servers have the log: the cluster needs 3 servers with JetStream"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := eventlog.Replication{Replicas: test.replicas, Wanted: test.wanted, Servers: test.servers}
			require.Equal(t, test.says, r.TooFew())
			require.Equal(t, test.inStep, r.InStep())
		})
	}
}
