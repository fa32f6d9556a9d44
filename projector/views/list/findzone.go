package list

import (
	"context"
	"database/sql"
	"fmt"
)

const (
	ofZones = ` FROM zones WHERE zone >= ? AND zone <= ? AND received_last >= ? AND received_first <= ?
		AND modified_last >= ? AND modified_first <= ? AND created_last >= ? AND created_first <= ? AND since_last >= ? AND since_first <= ?
		AND (awaiting_last >= ? AND awaiting_first <= ? OR settled_last >= ? AND settled_first <= ?)`
	zonesText    = `SELECT zone` + ofZones + ` ORDER BY zone %s LIMIT +?`
	zoneSpanText = `SELECT min(zone), max(zone)` + ofZones
	zonesAtOnce  = 64
)

// walkZones walks the parts of a list by received that can contain orders of the selected times.
func (l *lister) walkZones(ctx context.Context, s span, most int) (rows []found, err error) {
	if !s.byReceived || !l.ofTime() {
		return l.walk(ctx, s, most)
	}
	for len(rows) < most && s.since <= s.until {
		parts, last, err := l.zones(ctx, &s)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			found, err := l.walk(ctx, part, most-len(rows))
			if err != nil {
				return nil, err
			}
			if rows = append(rows, found...); len(rows) >= most || l.stopped != nil {
				return rows, nil
			}
		}
		if last {
			break
		}
		s.passOver(&parts[len(parts)-1])
	}
	return rows, nil
}

// ofTime reports whether q selects by times that zones contain.
func (l *lister) ofTime() bool {
	_, _, ofTrades := l.hulls()
	return ofTrades || l.q.Received.given() || l.q.Modified.given() || l.q.Created.given() || l.q.StatusChanged.given()
}

// zoneArgs returns the arguments of ofZones.
func (l *lister) zoneArgs(s *span) []any {
	received, created, since := l.q.Received.received(), l.q.Created.told(), l.q.StatusChanged.told()
	awaiting, settled, _ := l.hulls()
	return []any{s.since >> ZoneShift, s.until >> ZoneShift, received.First, received.Last, s.modified.First, s.modified.Last,
		created.First, created.Last, since.First, since.Last, awaiting.First, awaiting.Last, settled.First, settled.Last}
}

// narrow removes from the span the zones before the first and after the last zone that can contain
// such orders.
func (l *lister) narrow(ctx context.Context, s *span) error {
	var first, last sql.NullInt64
	if err := l.Row(ctx, zoneSpanText, l.zoneArgs(s), &first, &last); err != nil {
		return err
	}
	s.since, s.until = max(s.since, first.Int64<<ZoneShift), min(s.until, (last.Int64+1)<<ZoneShift-1)
	if !first.Valid { // no such zone
		s.since, s.until = 1, 0
	}
	return nil
}

// zones returns the next parts of the span; adjacent ones are joined. last is true when no parts
// follow.
func (l *lister) zones(ctx context.Context, s *span) (parts []span, last bool, err error) {
	args := append(l.zoneArgs(s), zonesAtOnce)
	n := 0
	err = l.Each(ctx, fmt.Sprintf(zonesText, s.direction()), args, func(rows *sql.Rows) error {
		var zone int64
		err := rows.Scan(&zone)
		n++
		part := *s
		part.since, part.until = max(s.since, zone<<ZoneShift), min(s.until, (zone+1)<<ZoneShift-1)
		if len(parts) == 0 {
			parts = append(parts, part)
			return err
		}
		switch before := &parts[len(parts)-1]; {
		case s.ascending && before.until+1 == part.since:
			before.until = part.until
		case !s.ascending && part.until+1 == before.since:
			before.since = part.since
		default:
			parts = append(parts, part)
		}
		return err
	})
	return parts, n < zonesAtOnce, err
}
