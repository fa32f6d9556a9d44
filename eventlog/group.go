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

// The rule of the group commit. DESIGN.md has the measurements behind it.
const (
	// crowdOnDisk and crowdInMemory are the numbers of waiting records that make a batch worth its
	// fixed cost, by where the server stages it. Fewer are sent singly.
	crowdOnDisk   = 20
	crowdInMemory = 8
	// maxBatch is the server's own limit.
	maxBatch      = 1000
	maxBatchBytes = 8 << 20
	// gatherTime is how long a batch waits for the callers that were just answered.
	gatherTime = 2 * time.Millisecond
	// maxWaiting bounds the records in Append without an answer. Beyond it Append refuses.
	maxWaiting = 16 << 10
	// answerPatience is when the wait for the server's answer ends, so that the next records can be
	// sent.
	answerPatience = 10 * time.Second
	// batchRoom is more than a batch adds to the largest headers of a message.
	batchRoom = 4 << 10
)

// appending is a record that is being appended.
type appending struct {
	msg  *nats.Msg
	done chan outcome // has room for the one outcome
	// The rest is guarded by the group's mutex.
	alone    bool      // never in a batch
	resolved bool      // the outcome was sent, or the caller has left
	shipment *shipment // nil while it is in the queue
}

type outcome struct {
	sequence uint64
	err      error
}

// shipment is a single record or a batch, with one answer of the server.
type shipment struct {
	records []*appending
	batch   string // its id, "" for a single record
	sent    time.Time
	callers int // callers that still wait for the answer
}

// group combines concurrent appends into one write. One goroutine sends, the subscription's
// receives.
type group struct {
	conn    *nats.Conn
	replies *nats.Subscription
	inbox   string // prefix of the reply subjects, which end in the key of the shipment
	name    string // prefix of the batch ids, which the server must never see twice
	wake    chan struct{}
	stopped chan struct{}
	// maxPayload is the connection's, copied because a blocked write holds the connection's lock.
	maxPayload atomic.Int64

	mu       sync.Mutex
	closed   error // why nothing can be appended now, or nil
	singly   bool  // no batches
	most     int   // bytes that may wait
	crowd    int   // number of waiting records that makes a batch
	queue    []*appending
	bytes    int // of the queue and the shipments
	waiting  int // records in the queue and the shipments
	shipped  map[uint64]*shipment
	last     uint64 // key of the last shipment
	singles  int    // of the shipments
	batches  int    // of the shipments
	gather   time.Time
	expected int
	highest  uint64 // sequence known to be in the log
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
	// As many answers as shipments: never so many that they need a limit.
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

// enqueue queues the record for the sender. If it is the only one, it is shipped at once and the
// caller sends it, which saves a change of goroutines.
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

// abandon is called when a caller stops waiting. A record that was not sent yet will not be.
func (g *group) abandon(a *appending, why error) (uint64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.resolved { // at the same moment
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
	a.resolved = true // its shipment still counts it
	g.leave(a.shipment)
	if errors.Is(why, context.DeadlineExceeded) {
		g.refused = refusal{err: errSilent, at: time.Now()}
	}
	return 0, outcomeUnknown(why)
}

// leave records that one caller of a shipment has left. When all have left, the queue no longer
// waits for the shipment, because a server that lost its leader never answers. The records still
// count as waiting, so that a server that is only slow does not get more and more.
func (g *group) leave(s *shipment) {
	if s.callers--; s.callers == 0 {
		g.release(s)
		g.signal()
	}
}

// release lets others be shipped.
func (g *group) release(s *shipment) {
	if s.batch == "" {
		g.singles--
	} else {
		g.batches--
	}
}

// resolve sends the outcome to the caller, if it still waits, and removes the record.
func (g *group) resolve(a *appending, o outcome) {
	g.waiting--
	g.bytes -= len(a.msg.Data)
	if !a.resolved {
		a.resolved = true
		a.done <- o
	}
}

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

// next takes the next shipment from the queue. If there is none, it returns how long to wait unless
// something happens, or a negative pause if the group is stopped.
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

// ship records what is about to be sent.
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

// send publishes the messages. Only the last one requests an answer, because those to the others
// contain nothing useful.
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

// fail ends a shipment that could not be sent as a whole.
func (g *group) fail(key uint64, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.unship(key); s != nil {
		g.conclude(s, ack{}, err)
	}
}

// unship removes a shipment. It returns nil if it was already removed.
func (g *group) unship(key uint64) *shipment {
	s := g.shipped[key]
	delete(g.shipped, key)
	if s == nil || s.callers == 0 {
		return s // released already
	}
	g.release(s)
	if s.batch != "" {
		now := time.Now()
		g.expected = (len(s.records) + len(g.queue)) * 3 / 4
		g.gather = now.Add(min(now.Sub(s.sent)/2, gatherTime))
	}
	return s
}

// giveUp ends the shipments that the server does not answer.
func (g *group) giveUp(now time.Time) {
	for key, s := range g.shipped {
		if now.Sub(s.sent) > answerPatience {
			g.conclude(g.unship(key), ack{}, outcomeUnknown(errSilent))
		}
	}
}

// lose ends all shipments, which will get no answer.
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

// refuse ends every append, and makes each new one fail until admit.
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

// admit ends the effect of refuse. crowd is the number of records that makes a batch from now on.
func (g *group) admit(crowd int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.crowd = crowd
	if g.closed != errClosed {
		g.closed = nil
	}
	g.refused = refusal{}
}

// stop ends every append for good and waits for the sender.
func (g *group) stop() {
	g.refuse(errClosed)
	<-g.stopped
}
