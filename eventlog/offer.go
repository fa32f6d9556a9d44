package eventlog

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"go.uber.org/zap"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

const snapshotRequest = "$JS.API.STREAM.SNAPSHOT." + streamName

// snapshotOrder is the server's request for a backup.
type snapshotOrder struct {
	Deliver     string `json:"deliver_subject"`
	NoConsumers bool   `json:"no_consumers,omitempty"`
	Chunk       int    `json:"chunk_size,omitempty"`
	Window      int    `json:"window_size,omitempty"`
	Check       bool   `json:"jsck,omitempty"`
}

// offerBackups lets the operator request backups of the stream. The server would send a backup to
// any subject that the request contains, with the permissions of the log, and so even into the log.
// The request is therefore parsed and checked here, and encoded again for the server.
func (l *Log) offerBackups() error {
	return l.offer("a backup", embedded.BackupRequest, l.passOn)
}

// offer answers the requests on a subject. Messages contain what as the name of what is requested.
func (l *Log) offer(what, subject string, answer func(*nats.Msg) error) error {
	_, err := l.conn.Subscribe(subject, func(m *nats.Msg) {
		if err := answer(m); err != nil {
			l.logger.Warn("a request for "+what+" was not answered", zap.Error(err))
		}
	})
	if err != nil {
		return fmt.Errorf("eventlog: offer %s: %w", what, err)
	}
	return nil
}

// passOn checks a request for a backup, sends it to the server and returns the server's answer to
// the operator.
func (l *Log) passOn(m *nats.Msg) error {
	var order snapshotOrder
	prefix := strings.TrimSuffix(embedded.BackupInboxes, ">")
	if json.Unmarshal(m.Data, &order) != nil || !strings.HasPrefix(order.Deliver, prefix) {
		return m.Respond([]byte(`{"type":"io.nats.jetstream.api.v1.stream_snapshot_response","error":{"code":400,"err_code":10025,` +
			`"description":"a backup is sent to an inbox: deliver_subject must begin with ` + prefix + `"}}`))
	}
	request, err := json.Marshal(order)
	if err != nil {
		return err
	}
	answer, err := l.conn.Request(snapshotRequest, request, backupPatience) // the server itself does not answer a request that comes through an import
	if err != nil {
		return err
	}
	return m.Respond(answer.Data)
}
