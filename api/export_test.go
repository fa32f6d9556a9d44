package api_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// many returns a server with that many orders, of which every tenth is filled.
func many(t testing.TB, orders int, change ...func(*api.Options)) *server {
	s := start(t, newWorld(t), change...)
	for i := range orders {
		status := statemachine.Placed
		if i%10 == 0 {
			status = statemachine.Filled
		}
		s.receive(order(fmt.Sprintf("o-%d", i), status, 1, ""), `{}`)
	}
	s.apply(t)
	return s
}

func TestAnExportContainsTheWholeList(t *testing.T) {
	s := many(t, 1_700)
	a := s.get(t, "/v1/orders?format=csv&status=PLACED&sort=received&limit=3")
	require.Equal(t, `attachment; filename="orders.csv"`, a.Header.Get("Content-Disposition"))
	require.Equal(t, "text/csv; charset=utf-8; header=present", a.Header.Get("Content-Type"))
	require.Equal(t, "1700", a.Header.Get("Log-Sequence"))
	lines, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+1_530)
	require.Equal(t, []string{"orderId", "assetClass", "status"}, lines[0][:3])
	require.Equal(t, []string{"o-1", "TRADITIONAL", "PLACED"}, lines[1][:3])
	require.Equal(t, "o-1699", lines[1_530][0])

	a = s.get(t, "/v1/orders?status=FILLED", "Accept: application/x-ndjson, application/json;q=0.5")
	require.Equal(t, `attachment; filename="orders.ndjson"`, a.Header.Get("Content-Disposition"))
	rows := strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	require.Len(t, rows, 170)
	var o shownOrder
	require.NoError(t, json.Unmarshal([]byte(rows[0]), &o))
	require.Equal(t, "o-1690", o.OrderID)
	alone := s.get(t, "/v1/orders/o-1690")
	require.JSONEq(t, string(alone.body), rows[0], "a row is the order as it is shown alone")

	require.Contains(t, s.get(t, "/v1/orders", "Accept: text/csv").Header.Get("Content-Type"), "text/csv")
	require.Contains(t, s.get(t, "/v1/orders?format=json", "Accept: text/csv").Header.Get("Content-Type"), "application/json")
	for accept, contentType := range map[string]string{
		"text/csv;q=0":                               "application/json",
		"text/csv;q=0.5, application/json":           "application/json",
		"application/json;q=0.1, TEXT/CSV; q=0.2":    "text/csv",
		"text/csv;q=0.9, application/x-ndjson":       "application/x-ndjson",
		"text/html, */*;q=0.1, text/csv;q=0.05":      "application/json",
		"text/csv;q=much, application/x-ndjson;q=.1": "application/x-ndjson",
		"nonsense": "application/json",
	} {
		require.Contains(t, s.get(t, "/v1/orders?limit=1", "Accept: "+accept).Header.Get("Content-Type"), contentType, accept)
	}
	require.Equal(t, 1, bytes.Count(s.get(t, "/v1/orders?format=csv&status=SETTLED").body, []byte("\n")), "the header line")
	require.Empty(t, s.do(t, http.MethodHead, "/v1/orders?format=csv").body)
}

func TestNoTextInAnExportIsAFormula(t *testing.T) {
	s := start(t, newWorld(t))
	n := order("=cmd|' /C calc'!A0", "\tUNHEARD", 1, "-5")
	n.Details = [statemachine.Fields]string{statemachine.Side: "+BUY", statemachine.ISIN: "@SUM(A1)", statemachine.Quantity: "-100.50",
		statemachine.LimitPrice: "1e3", statemachine.StopPrice: "+1", statemachine.Message: "\r=1, \"two\"\nlines", statemachine.ExternalID: "-1+1",
		statemachine.Symbol: "plain=1", statemachine.CashProduct: "=p"}
	s.receive(n, `{}`)
	s.apply(t)
	lines, err := csv.NewReader(bytes.NewReader(s.get(t, "/v1/orders?format=csv").body)).ReadAll()
	require.NoError(t, err)
	row := map[string]string{}
	for i, name := range lines[0] {
		row[name] = lines[1][i]
	}
	for name, want := range map[string]string{
		"orderId": "'=cmd|' /C calc'!A0", "side": "'+BUY", "isin": "'@SUM(A1)", "quantity": "-100.50", "limitPrice": "1e3",
		"stopPrice": "'+1", "executedQuantity": "-5", "externalId": "'-1+1", "symbol": "plain=1", "productIds": "'=p",
		"breaks": "unknown_status overfill", "notifications": "1", "open": "false",
	} {
		require.Equal(t, want, row[name], name)
	}
	require.True(t, strings.HasPrefix(row["message"], "'\r'=1"), row["message"])
}

// failing are views that fail after some pages.
type failing struct {
	*world
	pages atomic.Int32
	falls bool // panic instead of returning an error
}

func (f *failing) Orders(ctx context.Context, q views.Query) (views.Page, error) {
	if f.pages.Add(-1) < 0 {
		if f.falls {
			panic("the views fell over")
		}
		return views.Page{}, errors.New("the disk is gone")
	}
	return f.world.Orders(ctx, q)
}

func TestAnExportThatFailsHalfwayDoesNotLookComplete(t *testing.T) {
	for _, encoding := range []string{"identity", "gzip", "zstd"} {
		for pages := range int32(3) {
			t.Run(fmt.Sprintf("%s after %d pages", encoding, pages), func(t *testing.T) {
				f := &failing{world: newWorld(t)}
				s := many(t, 1_700, func(o *api.Options) { f.world, o.Views = o.Views.(*world), f })
				f.pages.Store(pages)
				request, err := http.NewRequest(http.MethodGet, s.base+"/v1/orders?format=csv", nil)
				require.NoError(t, err)
				request.Header.Set("Accept-Encoding", encoding)
				response, err := http.DefaultClient.Do(request)
				if err != nil {
					require.Positive(t, pages)
					return // cut off before anything was sent
				}
				_, err = io.ReadAll(response.Body)
				require.NoError(t, response.Body.Close())
				if pages == 0 {
					require.NoError(t, err)
					require.Equal(t, http.StatusInternalServerError, response.StatusCode)
					return
				}
				require.Error(t, err)
			})
		}
	}
}

func TestALongListIsCompressedForClientsThatAcceptIt(t *testing.T) {
	s := many(t, 600)
	plain := s.get(t, "/v1/orders?limit=500", "Accept-Encoding: identity")
	require.Empty(t, plain.Header.Get("Content-Encoding"))
	for encoding, decode := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		for _, path := range []string{"/v1/orders?limit=500", "/v1/orders?format=ndjson"} {
			request, err := http.NewRequest(http.MethodGet, s.base+path, nil)
			require.NoError(t, err)
			request.Header.Set("Accept-Encoding", encoding)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			require.Equal(t, encoding, response.Header.Get("Content-Encoding"))
			require.Contains(t, response.Header.Values("Vary"), "Accept-Encoding")
			decoder, err := decode(response.Body)
			require.NoError(t, err)
			body, err := io.ReadAll(decoder)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			if strings.HasSuffix(path, "limit=500") {
				require.Equal(t, string(plain.body), string(body))
				require.Equal(t, plain.Header.Get("ETag"), response.Header.Get("ETag"), "a weak tag stands for every encoding")
				again := s.get(t, path, "Accept-Encoding: "+encoding, "If-None-Match: "+response.Header.Get("ETag"))
				require.Equal(t, http.StatusNotModified, again.StatusCode)
			} else {
				require.Equal(t, 600, bytes.Count(body, []byte("\n")))
			}
		}
		require.Empty(t, s.get(t, "/v1/orders/o-1", "Accept-Encoding: "+encoding).Header.Get("Content-Encoding"), "one order is small")
	}
}

// stalled requests an export that is much larger than the buffers of a socket, and reads only its beginning.
func stalled(t testing.TB, s *server) net.Conn {
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "GET /v1/orders?format=ndjson HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)
	_, err = io.ReadFull(conn, make([]byte, 4<<10))
	require.NoError(t, err)
	return conn
}

func TestAReaderThatPausesHoldsNoConnectionToTheViews(t *testing.T) {
	s := many(t, 12_000)
	conn := stalled(t, s)
	files, err := filepath.Glob(filepath.Join(s.dir, "orders-*.db"))
	require.NoError(t, err)
	db, err := sql.Open("sqlite", "file:"+files[0])
	require.NoError(t, err)
	s.receive(order("o-1", statemachine.Settled, 3, ""), `{}`)
	s.apply(t)
	require.Eventually(t, func() bool {
		var busy, inLog, moved int
		err := db.QueryRow(`PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &inLog, &moved)
		return err == nil && busy == 0
	}, patience, 10*time.Millisecond, "the write-ahead log can be moved while an export waits for its reader")
	require.NoError(t, db.Close())
	// A reader that continues after a pause gets the rest.
	rows := bufio.NewReader(conn)
	seen := 0
	for seen < 11_000 {
		line, err := rows.ReadString('\n')
		require.NoError(t, err)
		if strings.HasPrefix(line, `{"orderId"`) {
			seen++
		}
	}
	require.NoError(t, conn.Close())
}

func TestAReaderThatPausesTooLongIsCutOff(t *testing.T) {
	api.SetExportPatience(t, 100*time.Millisecond)
	s := many(t, 12_000)
	conn := stalled(t, s)
	defer conn.Close()
	require.Eventually(t, func() bool {
		return !strings.Contains(string(s.get(t, "/metrics").body), "orderfold_api_requests_in_flight 2")
	}, patience, 10*time.Millisecond)
	_, err := io.Copy(io.Discard, conn)
	if err == nil { // closed in the middle: the last chunk is missing
		return
	}
	require.ErrorContains(t, err, "reset")
}
