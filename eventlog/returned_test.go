package eventlog_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderfold/orderfold/eventlog"
)

// change calls edit, which changes the files of the log, while the server is stopped.
func (p *place) change(edit func()) {
	p.stop()
	edit()
	p.start()
}

// damaged is a log with two blocks that can be damaged and repaired. The server counts the records of a
// damaged block, but cannot read all of them.
type damaged struct {
	*place
	t      *testing.T
	before []eventlog.Record
	blocks [2]string
	whole  [2][]byte
}

func newDamaged(t *testing.T, p *place) *damaged {
	t.Helper()
	d := &damaged{place: p, t: t, before: large(t, p)}
	for i := range d.blocks {
		d.blocks[i] = blocksOf(t, p)[i+1]
		var err error
		d.whole[i], err = os.ReadFile(d.blocks[i])
		require.NoError(t, err)
	}
	return d
}

// harm damages a block.
func (d *damaged) harm(block int) { edit(d.t, d.blocks[block], flipInTheMiddle) }

// mend repairs a block.
func (d *damaged) mend(block int) {
	require.NoError(d.t, os.WriteFile(d.blocks[block], d.whole[block], 0o600))
}

// meet reads the log up to the first record that cannot be read, and returns the sequence of that
// record.
func (d *damaged) meet(l *eventlog.Log) uint64 {
	d.t.Helper()
	_, err := readAll(d.t.Context(), l, eventlog.Position{})
	require.ErrorIs(d.t, err, eventlog.ErrLost)
	var gap *eventlog.GapError
	require.ErrorAs(d.t, err, &gap)
	return gap.Want
}

// accept accepts the loss.
func (d *damaged) accept(l *eventlog.Log) {
	d.t.Helper()
	said, err := l.AcceptLoss(d.t.Context())
	require.NoError(d.t, err)
	require.NotEmpty(d.t, said)
}

// requireNotes compares the lists of missing records in the stream's metadata.
func (d *damaged) requireNotes(l *eventlog.Log, unreadable, accepted eventlog.Ranges) {
	d.t.Helper()
	stream, err := d.admin(d.t, l).Stream(d.t.Context(), "NOTIFICATIONS")
	require.NoError(d.t, err)
	notes := stream.CachedInfo().Config.Metadata
	for key, want := range map[string]eventlog.Ranges{"orderfold-unreadable": unreadable, "orderfold-accepted": accepted} {
		_, list, _ := strings.Cut(notes[key], " ")
		require.Equal(d.t, want.String(), list, key)
	}
}

// requireConnected waits until a log has connected to the restarted server.
func (d *damaged) requireConnected(l *eventlog.Log) {
	d.t.Helper()
	eventually(d.t, func() bool { _, err := l.Bounds(d.t.Context()); return err == nil }, "the log must connect again")
}

// requireWhole checks that no record is missing.
func (d *damaged) requireWhole(l *eventlog.Log) {
	d.t.Helper()
	bounds, err := l.Bounds(d.t.Context())
	require.NoError(d.t, err)
	require.Empty(d.t, bounds.Missing)
	require.Nil(d.t, bounds.Lost)
	read, err := readAll(d.t.Context(), l, eventlog.Position{})
	require.NoError(d.t, err)
	require.Len(d.t, read, len(d.before))
	for i, r := range read {
		require.Equal(d.t, d.before[i].Position(), r.Position())
	}
}

func TestOpenRemovesRecordsThatReturnedFromTheLists(t *testing.T) {
	for name, accepted := range map[string]bool{"the loss was not accepted": false, "the loss was accepted": true} {
		t.Run(name, func(t *testing.T) {
			places(t, func(t *testing.T, p *place) {
				d := newDamaged(t, p)
				p.change(func() { d.harm(0) })
				l := open(t, p.options)
				lost := d.meet(l)
				if accepted {
					d.accept(l)
				}
				require.NoError(t, l.Close())
				p.change(func() { d.mend(0) })

				l = open(t, p.options)
				d.requireNotes(l, nil, nil)
				d.requireWhole(l)
				require.NoError(t, l.Close())

				p.change(func() { d.harm(0) })
				l = open(t, p.options)
				require.Equal(t, lost, d.meet(l), "an acceptance does not cover a later loss")
				require.NoError(t, l.Close())
			})
		})
	}
}

func TestOnlyRecordsThatReturnedAreRemovedFromTheLists(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		d := newDamaged(t, p)
		p.change(func() { d.harm(0); d.harm(1) })
		l := open(t, p.options)
		first := d.meet(l)
		d.accept(l)
		second := d.meet(l)
		d.accept(l)
		d.requireNotes(l, eventlog.Ranges{{First: first, Last: first}, {First: second, Last: second}}, eventlog.Ranges{{First: first, Last: first}, {First: second, Last: second}})
		require.NoError(t, l.Close())
		p.change(func() { d.mend(0) })

		l = open(t, p.options)
		d.requireNotes(l, eventlog.Ranges{{First: second, Last: second}}, eventlog.Ranges{{First: second, Last: second}})
		requireExactlyLeft(t, l, d.before, eventlog.Position{})
		require.NoError(t, l.Close())
		p.change(func() { d.harm(0) })

		l = open(t, p.options)
		require.Equal(t, first, d.meet(l))
		d.requireNotes(l, eventlog.Ranges{{First: first, Last: first}, {First: second, Last: second}}, eventlog.Ranges{{First: second, Last: second}})
		require.NoError(t, l.Close())
	})
}

func TestTheAcceptanceOfALossIsWithdrawnWhenTheBlockIsPutBack(t *testing.T) {
	places(t, func(t *testing.T, p *place) {
		d := newDamaged(t, p)
		remove := func() {
			require.NoError(t, os.Remove(d.blocks[0]))
			dropIndex(t, p)
		}
		p.change(remove)
		l := open(t, p.options)
		_, err := readAll(t.Context(), l, eventlog.Position{})
		require.ErrorIs(t, err, eventlog.ErrLost)
		d.accept(l)
		requireExactlyLeft(t, l, d.before, eventlog.Position{})
		require.NoError(t, l.Close())
		p.change(func() { d.mend(0); dropIndex(t, p) })

		l = open(t, p.options)
		d.requireNotes(l, nil, nil)
		d.requireWhole(l)
		require.NoError(t, l.Close())
		p.change(remove)

		l = open(t, p.options)
		_, err = readAll(t.Context(), l, eventlog.Position{})
		require.ErrorIs(t, err, eventlog.ErrLost)
		require.NoError(t, l.Close())
	})
}

// readerMayNotNote is the configuration of a server with a user who may not change the stream.
const readerMayNotNote = `authorization { users: [
	{user: all, password: all}
	{user: reader, password: reader, permissions: {publish: {deny: "$JS.API.STREAM.UPDATE.*"}}}
] }
no_auth_user: all`

func TestAProcessReadsAnUnreadableRecordAfterItReturned(t *testing.T) {
	tests := []struct {
		name    string
		guest   bool
		user    string // in the URL
		another bool   // another process removes the record from the list
	}{
		{name: "the process has listed the record"},
		{name: "another process removes the record from the list", another: true},
		{name: "the process is a guest", guest: true},
		{name: "the user may not change the stream", user: "reader:reader@"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := separatePlace(t, readerMayNotNote)
			d := newDamaged(t, p)
			p.change(func() { d.harm(0) })
			options := p.options
			options.Guest = test.guest
			options.URL = "nats://" + test.user + p.process.listen
			l := open(t, options)
			lost := d.meet(l)
			bounds, err := l.Bounds(t.Context())
			require.NoError(t, err)
			require.Equal(t, eventlog.Ranges{{First: lost, Last: lost}}, bounds.Missing)
			require.NotNil(t, bounds.Lost)
			if test.guest || test.user != "" {
				d.requireNotes(l, nil, nil)
			} else {
				d.requireNotes(l, bounds.Missing, nil)
			}
			p.change(func() { d.mend(0) })
			if test.another {
				require.NoError(t, open(t, p.options).Close())
				d.requireNotes(l, nil, nil)
			}
			d.requireConnected(l)
			d.requireWhole(l)
			d.requireNotes(l, nil, nil)
		})
	}
}

func TestARecordThatReturnedIsNotListedAgain(t *testing.T) {
	p := separatePlace(t, "")
	d := newDamaged(t, p)
	p.change(func() { d.harm(0) })
	l := open(t, p.options)
	first := d.meet(l)
	d.accept(l)
	p.change(func() { d.mend(0); d.harm(1) })
	require.NoError(t, open(t, p.options).Close())
	d.requireNotes(l, nil, nil)
	d.requireConnected(l)
	second := d.meet(l) // by the process that found the first record
	require.NotEqual(t, first, second)
	d.requireNotes(l, eventlog.Ranges{{First: second, Last: second}}, nil)
}
