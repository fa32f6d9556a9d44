package platformtest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// order returns the handler of GET order for an asset class. missing is the status code for an order
// that is unknown, of another class or purged.
func (s *Server) order(assetClass string, missing int) func(*http.Request, []byte) reply {
	return func(r *http.Request, _ []byte) reply {
		text := r.PathValue("id")
		id, err := uuid.Parse(text)
		s := s.ofOrder(id)
		index, known := s.index[id]
		if err != nil || !known || id.String() != text { // uuid.Parse accepts more spellings than the platform uses
			return s.message(missing, "there is no such order")
		}
		o := s.options.order(int(index))
		is := s.standing(o)
		if o.assetClass != assetClass || is == nil {
			return s.message(missing, "there is no such order")
		}
		return reply{code: http.StatusOK, body: o.answer(is)}
	}
}

// standing returns the current state of the order. It returns nil before the first event, after a purge,
// and for an exhibit that is gone.
func (s *Server) standing(o *order) *note {
	is := o.standing(o.happenedBy(s.until.Load()))
	if is == nil || o.gone || is.status == invalid && s.now().Sub(is.at) >= purgedAfter {
		return nil
	}
	return is
}

// query parses the parameters of a list. wrong describes an invalid parameter; "": all are valid.
type query struct {
	url.Values
	wrong string
}

func (q *query) limit() int {
	text := q.Get("limit")
	if text == "" {
		return defaultLimit
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		q.wrong = "limit is not a number from 1 to " + strconv.Itoa(maxLimit)
	}
	return n
}

// time parses a date, or a date with a time. It returns otherwise if the parameter is missing.
func (q *query) time(name string, otherwise time.Time) time.Time {
	text := q.Get(name)
	if text == "" {
		return otherwise
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at
		}
	}
	q.wrong = name + " is neither a date nor a date with time"
	return otherwise
}

// cursor returns the place at which to continue. The entries before it were already listed.
func (q *query) cursor() int {
	text := q.Get("cursor")
	if text == "" {
		return 0
	}
	plain, _ := base64.RawURLEncoding.DecodeString(text)
	n, err := strconv.ParseUint(string(plain), 10, 32)
	if err != nil {
		q.wrong = "cursor is invalid"
	}
	return int(n)
}

// page collects the entries of an answer.
type page struct {
	body  object
	limit int
	count int
	next  string // "" at the end of the list
}

// add appends the entry at a place of the list. It returns false if the page is full.
func (p *page) add(place int, entry []byte) bool {
	if p.count == p.limit {
		p.next = base64.RawURLEncoding.EncodeToString(strconv.AppendInt(nil, int64(place), 10))
		return false
	}
	if p.count == 0 {
		p.body.name("data")
		p.body = append(p.body, '[')
	} else {
		p.body = append(p.body, ',')
	}
	p.body = append(p.body, entry...)
	p.count++
	return true
}

func (p *page) reply() reply {
	if p.count == 0 {
		p.body.raw("data", "[")
	}
	p.body = append(p.body, ']')
	p.body.open("pagination")
	p.body.raw("cursor", strconv.Quote(p.next)) // also an empty one
	p.body.raw("limit", strconv.Itoa(p.limit))
	p.body.close()
	p.body.close()
	return reply{code: http.StatusOK, body: p.body}
}

// digitalOrders lists the digital orders of a wallet, oldest first.
func (s *Server) digitalOrders(r *http.Request, _ []byte) reply {
	q := query{Values: r.URL.Query()}
	p := page{limit: q.limit()}
	from, until := q.time("startCreatedOn", time.Time{}), q.time("endCreatedOn", time.Unix(0, 1<<63-1))
	after, externalID := q.cursor(), q.Get("externalId")
	if q.wrong != "" {
		return s.message(http.StatusBadRequest, q.wrong)
	}
	id, _ := uuid.Parse(r.PathValue("customerProductId"))
	s = s.ofWallet(id)
	first, known := s.wallets[id]
	if !known {
		return p.reply()
	}
	for i := max(first, after); i < min(first+ordersPerWallet, s.options.Orders); i++ {
		o := s.options.order(i)
		is := s.standing(o)
		switch {
		case is == nil, o.assetClass != Digital, o.created.Before(from), o.created.After(until):
		case externalID != "" && externalID != o.externalID():
		case !p.add(i, o.answer(is)):
			return p.reply()
		}
	}
	return p.reply()
}

// undelivered lists the undelivered webhooks, oldest first.
func (s *Server) undelivered(r *http.Request, _ []byte) reply {
	q := query{Values: r.URL.Query()}
	p := page{limit: q.limit()}
	from, after := q.time("startDate", time.Time{}), q.cursor()
	if q.wrong != "" {
		return s.message(http.StatusBadRequest, q.wrong)
	}
	if kept := s.now().Add(-listedFor); kept.After(from) {
		from = kept
	}
	until := s.until.Load()
	begin := sort.Search(len(s.waiting), func(i int) bool { return !time.Unix(0, s.waiting[i].at).Before(from) })
	for i := max(begin, after); i < len(s.waiting) && s.waiting[i].at <= until; i++ {
		d := s.waiting[i]
		n := s.options.notification(d.ref)
		var entry object
		entry.text("eventType", n.eventType())
		entry.text("createdOn", time.Unix(0, d.at).UTC().Format(layouts[3]))
		entry.raw("payload", string(n.Body))
		entry.close()
		if !p.add(i, entry) {
			break
		}
	}
	return p.reply()
}
