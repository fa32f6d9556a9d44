package eventlog

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// The parameters of the group commit. DESIGN.md describes it.
const (
	// crowdOnDisk and crowdInMemory are the numbers of waiting records from which a batch is faster
	// than single records, if the server stages a batch on disk or in memory.
	crowdOnDisk   = 20
	crowdInMemory = 8
	// maxBatch is the largest number of messages in a batch that the server accepts.
	maxBatch      = 1000
	maxBatchBytes = 8 << 20
	// gatherTime is how long a batch waits for more records from the callers that were just answered.
	gatherTime = 2 * time.Millisecond
	// maxWaiting bounds the records that wait in Append. Append refuses any more.
	maxWaiting = 16 << 10
	// answerPatience is how long the server may take to answer. After that the next records are sent.
	answerPatience = 10 * time.Second
	// batchRoom is more than the headers of a record, those of a batch included, can take.
	batchRoom = 4 << 10
)

// appending is a record that is being appended.
type appending struct {
	msg  *nats.Msg
	done chan outcome // has room for the one outcome
	// The following fields are guarded by the mutex of the group.
	alone    bool      // must not be part of a batch
	resolved bool      // the outcome was sent to done, or the caller has returned
	shipment *shipment // nil while the record is in the queue
}

type outcome struct {
	sequence uint64
	err      error
}

// shipment is a single record or a batch that was sent. The server answers each shipment once.
type shipment struct {
	records []*appending
	batch   string // id of the batch; "" for a single record
	sent    time.Time
	callers int // callers that still wait for the answer
}

// group combines concurrent appends into one write. The goroutine of run sends, and the goroutine of
// the subscription receives.
type group struct {
	conn    *nats.Conn
	replies *nats.Subscription
	inbox   string // prefix of the reply subjects, each of which ends in the key of a shipment
	name    string // prefix of the batch ids; random, because the server must never see an id twice
	wake    chan struct{}
	stopped chan struct{}
	// maxPayload is a copy of the connection's value, because a blocked write holds the lock that
	// protects that value.
	maxPayload atomic.Int64

	mu       sync.Mutex
	closed   error // why nothing can be appended now, or nil
	singly   bool  // batches are disabled
	most     int   // the most body bytes that may wait
	crowd    int   // number of waiting records from which they are sent as a batch
	queue    []*appending
	bytes    int // of the bodies in the queue and the shipments
	waiting  int // records in the queue and the shipments
	shipped  map[uint64]*shipment
	last     uint64    // key of the last shipment
	singles  int       // shipments of a single record that a caller waits for
	batches  int       // batches that a caller waits for
	gather   time.Time // until when a batch waits for more records
	expected int       // number of records that ends that wait sooner
	highest  uint64    // highest sequence known to be in the log
	refused  refusal
}

func newGroup(conn *nats.Conn, opts Options) (*group, error) {
	g := &group{
		conn:    conn,
		inbox:   conn.NewInbox() + ".",
		name:    rand.Text()[:8] + "-",
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
		shipped: map[uint64]*shipment{},
		crowd:   crowdOnDisk,
		most:    int(opts.MaxWaitingBytes),
		singly:  opts.PublishSingly,
	}
	g.maxPayload.Store(conn.MaxPayload())
	var err error
	if g.replies, err = conn.Subscribe(g.inbox+"*", g.answered); err != nil {
		return nil, err
	}
	// The number of pending answers is bounded by the number of shipments.
	if err = g.replies.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	go g.run()
	return g, nil
}

// append waits until the record has an outcome or ctx ends.
func (g *group) append(ctx context.Context, msg *nats.Msg) (uint64, error) {
	a := &appending{msg: msg, done: make(chan outcome, 1), alone: int64(len(msg.Data)+batchRoom) > g.maxPayload.Load()}
	key, s, err := g.enqueue(a)
	if err != nil {
		return 0, notAppended(err)
	}
	if s != nil {
		if err := g.send(key, s); err != nil {
			g.fail(key, err)
		}
	}
	select {
	case o := <-a.done:
		return o.sequence, o.err
	case <-ctx.Done():
		return g.abandon(a, context.Cause(ctx))
	}
}

// enqueue queues a record for the sender. If no other record is waiting, enqueue returns a shipment
// instead, which the caller sends: that avoids a switch to another goroutine.
func (g *group) enqueue(a *appending) (key uint64, s *shipment, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed != nil {
		return 0, nil, g.closed
	}
	if g.waiting >= maxWaiting || g.waiting > 0 && g.bytes+len(a.msg.Data) > g.most {
		return 0, nil, errCrowded
	}
	g.waiting++
	g.bytes += len(a.msg.Data)
	if now := time.Now(); g.waiting == 1 && now.After(g.gather) {
		key, s = g.ship([]*appending{a}, now)
		return key, s, nil
	}
	g.queue = append(g.queue, a)
	g.signal()
	return 0, nil, nil
}

// abandon ends the wait of a caller, and removes the record if it was not sent yet. It returns the
// outcome if there is one already.
func (g *group) abandon(a *appending, why error) (uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.resolved { // the outcome came just before ctx ended
		o := <-a.done
		return o.sequence, o.err
	}
	for i, queued := range g.queue {
		if queued == a {
			g.queue = append(g.queue[:i], g.queue[i+1:]...)
			g.resolve(a, outcome{})
			return 0, notAppended(why)
		}
	}
	a.resolved = true // the record counts as waiting until its shipment ends
	g.leave(a.shipment)
	if errors.Is(why, context.DeadlineExceeded) {
		g.refused = refusal{err: errSilent, at: time.Now()}
	}
	return 0, outcomeUnknown(why)
}

// leave records that one caller of a shipment no longer waits. If no caller waits any more, the
// queue no longer waits for the shipment either, because a server whose stream lost its leader never
// answers. The records still count as waiting, so that the load on a slow server stays bounded.
func (g *group) leave(s *shipment) {
	if s.callers--; s.callers == 0 {
		g.release(s)
		g.signal()
	}
}

// release stops counting a shipment, so that others may be sent.
func (g *group) release(s *shipment) {
	if s.batch == "" {
		g.singles--
	} else {
		g.batches--
	}
}

// resolve stops counting the record as waiting, and sends the outcome to its caller if that still
// waits.
func (g *group) resolve(a *appending, o outcome) {
	g.waiting--
	g.bytes -= len(a.msg.Data)
	if !a.resolved {
		a.resolved = true
		a.done <- o
	}
}

// signal wakes the sender.
func (g *group) signal() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// run sends until the group is stopped.
func (g *group) run() {
	defer close(g.stopped)
	timer := time.NewTimer(answerPatience)
	defer timer.Stop()
	for {
		key, s, pause := g.next()
		if s == nil {
			if pause < 0 {
				return
			}
			timer.Reset(pause)
			select {
			case <-g.wake:
			case <-timer.C:
			}
			continue
		}
		if err := g.send(key, s); err != nil {
			g.fail(key, err)
		}
	}
}

// next takes the next shipment from the queue. If there is nothing to send, it returns how long to
// wait for a signal, or a negative pause if the group is stopped.
func (g *group) next() (key uint64, s *shipment, pause time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == errClosed {
		return 0, nil, -1
	}
	now := time.Now()
	g.giveUp(now)
	records := g.take(now)
	if len(records) == 0 {
		if g.batches == 0 && now.Before(g.gather) {
			return 0, nil, g.gather.Sub(now)
		}
		return 0, nil, time.Second
	}
	key, s = g.ship(records, now)
	return key, s, 0
}

// ship makes a shipment of the records, and returns it with its key. The caller sends it.
func (g *group) ship(records []*appending, now time.Time) (key uint64, s *shipment) {
	g.last++
	s = &shipment{records: records, sent: now, callers: len(records)}
	for _, a := range records {
		a.shipment = s
	}
	if len(records) > 1 {
		s.batch = g.name + strconv.FormatUint(g.last, 36)
		g.batches++
	} else {
		g.singles++
	}
	g.shipped[g.last] = s
	return g.last, s
}

// send publishes the messages of a shipment. Only the last message requests an answer, because the
// answers to the other messages of a batch contain nothing useful.
func (g *group) send(key uint64, s *shipment) error {
	for i, a := range s.records {
		if s.batch != "" {
			a.msg.Header[headerBatchID] = []string{s.batch}
			a.msg.Header[headerBatchSequence] = []string{strconv.Itoa(i + 1)}
		}
		if i == len(s.records)-1 {
			a.msg.Reply = g.inbox + strconv.FormatUint(key, 36)
			if s.batch != "" {
				a.msg.Header[headerBatchCommit] = []string{"1"}
			}
		}
		if err := g.conn.PublishMsg(a.msg); err != nil {
			return err
		}
	}
	return nil
}

// fail ends a shipment that could not be sent completely.
func (g *group) fail(key uint64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.unship(key); s != nil {
		g.conclude(s, ack{}, err)
	}
}

// unship removes a shipment and returns it, or returns nil if it was already removed.
func (g *group) unship(key uint64) *shipment {
	s := g.shipped[key]
	delete(g.shipped, key)
	if s == nil || s.callers == 0 {
		return s // already released by leave
	}
	g.release(s)
	if s.batch != "" {
		now := time.Now()
		g.expected = (len(s.records) + len(g.queue)) * 3 / 4
		g.gather = now.Add(min(now.Sub(s.sent)/2, gatherTime))
	}
	return s
}

// giveUp ends the shipments that the server has not answered within answerPatience.
func (g *group) giveUp(now time.Time) {
	for key, s := range g.shipped {
		if now.Sub(s.sent) > answerPatience {
			g.conclude(g.unship(key), ack{}, outcomeUnknown(errSilent))
		}
	}
}

// lose ends all shipments with the error that their outcome is unknown: they will get no answer.
func (g *group) lose(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loseShipped(why)
	g.signal()
}

func (g *group) loseShipped(why error) {
	for key := range g.shipped {
		g.conclude(g.unship(key), ack{}, outcomeUnknown(why))
	}
}

// refuse ends every append, and makes new appends fail until admit is called.
func (g *group) refuse(why error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == errClosed {
		return
	}
	g.closed = why
	g.loseShipped(why)
	for _, a := range g.queue {
		g.resolve(a, outcome{err: notAppended(why)})
	}
	g.queue = nil
	g.signal()
}

// admit ends the effect of refuse. From now on, crowd waiting records are sent as a batch.
func (g *group) admit(crowd int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.crowd = crowd
	if g.closed != errClosed {
		g.closed = nil
	}
	g.refused = refusal{}
}

// stop ends every append, makes all later ones fail, and waits for the sender to end.
func (g *group) stop() {
	g.refuse(errClosed)
	<-g.stopped
}
