package main

import (
	"database/sql"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// change runs statements on the live views of a stopped service, or of a running one.
func change(t testing.TB, data string, statements ...string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "views", "orders-*.db"))
	require.NoError(t, err)
	db, err := sql.Open("sqlite", "file:"+found[len(found)-1]+"?_busy_timeout=5000")
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	for _, text := range statements {
		result, err := db.Exec(text)
		require.NoError(t, err, text)
		n, err := result.RowsAffected()
		require.NoError(t, err)
		require.Positive(t, n, "%s changes nothing", text)
	}
}

func post(t testing.TB, receiver, object, body string) {
	t.Helper()
	r, err := http.Post(receiver+"/"+object+"-notification", "application/json", strings.NewReader(body))
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
}

var someOfEverything fixture

// filled returns the data folder of a service with records of every kind.
func filled(t testing.TB) (data string, args []string) {
	t.Helper()
	return someOfEverything.copy(t, func(data string, args []string) { fill(t, data, args) })
}

func fill(t testing.TB, data string, args []string) {
	t.Helper()
	p := start(t, []string{"receiver", "api", "log"}, args...)
	post(t, p.addrs["receiver"], "traditional-asset-order", `{"status":"PLACED"}`)
	post(t, p.addrs["receiver"], "customer", `{"customerId":"c-1"}`)
	requireExpected(t, p, play(t, p.addrs["receiver"], "--orders", "150", "--overtaking", "0.5", "--seed", "3"))
	p.notify(`{"orderId":"a","status":"FILLED","externalId":"x-1","modifiedOn":"2026-03-02T09:01:00Z"}`)
	p.notify(`{"orderId":"a","status":"CANCELED","modifiedOn":"2026-03-02T09:02:00Z"}`)
	for range 130 {
		p.notify(`{"orderId":"a","status":"FILLED","modifiedOn":"2026-03-02T09:01:00Z"}`)
	}
	code, stdout, stderr := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, "%s%s", stdout, stderr)
	require.Contains(t, stdout, "equal: generation 1 at record")
	p.stop()
}

func TestVerifyFindsEveryDifference(t *testing.T) {
	t.Parallel()
	data, _ := filled(t)
	one := ` WHERE id = 'a'`
	for name, c := range map[string]struct{ change, order, says string }{
		"another status":           {`UPDATE orders SET state = (SELECT state FROM orders WHERE id <> 'a' LIMIT 1)` + one, "a", ""},
		"a state that is damaged":  {`UPDATE orders SET state = x'ff'` + one, "a", "not an encoded order"},
		"one bit of a state":       {`UPDATE orders SET state = cast(state || x'00' AS BLOB)` + one, "a", "not an encoded order"},
		"another facet":            {`UPDATE orders SET facet = (SELECT facet FROM facets WHERE status = 'PLACED')` + one, "a", "list: status"},
		"another row":              {`UPDATE order_breaks SET n = n + 1000000 WHERE n = (SELECT n FROM orders WHERE id = 'a'); UPDATE order_sequences SET n = n + 1000000 WHERE n = (SELECT n FROM orders WHERE id = 'a'); UPDATE orders SET n = n + 1000000` + one, "a", "list: row"},
		"another external id":      {`UPDATE orders SET external = external + 1` + one, "a", "list: externalId"},
		"another isin":             {`UPDATE orders SET isin = isin + 1` + one, "a", "list: isin"},
		"another symbol":           {`UPDATE orders SET symbol = 7` + one, "a", "list: symbol"},
		"another depository":       {`UPDATE orders SET depository = 7` + one, "a", "list: products"},
		"another wallet":           {`UPDATE orders SET wallet = 7` + one, "a", "list: products"},
		"another cash product":     {`UPDATE orders SET cash = 7` + one, "a", "list: products"},
		"another era":              {`UPDATE orders SET era = era + 1` + one, "a", "list: era"},
		"another time received":    {`UPDATE orders SET received = received + 1` + one, "a", "list: received"},
		"another time modified":    {`UPDATE orders SET modified = x'01'` + one, "a", "list: modified"},
		"another side":             {`UPDATE orders SET facet = (SELECT facet FROM facets WHERE side = 2)` + one, "a", "list: side"},
		"a side of many":           {`UPDATE facets SET side = 3 WHERE facet = (SELECT facet FROM facets WHERE side = 1 AND orders > 0 LIMIT 1)`, "", "list: side"},
		"a missing zone":           {`DELETE FROM zones`, "", "list: within its zone"},
		"a zone too narrow":        {`UPDATE zones SET modified_last = modified_first`, "", "list: within its zone"},
		"another last sequence":    {`UPDATE orders SET last_sequence = 1000000` + one, "a", "list: lastSequence"},
		"other breaks":             {`UPDATE orders SET breaks = breaks + 1` + one, "a", "list: break codes"},
		"a missing sequence":       {`UPDATE orders SET recent = x'01'` + one, "a", "sequences"},
		"old sequences":            {`UPDATE order_sequences SET sequences = x'01' WHERE n = (SELECT n FROM orders WHERE id = 'a')`, "a", "sequences"},
		"a break's time":           {`UPDATE order_breaks SET opened = x'01' WHERE n = (SELECT n FROM orders WHERE id = 'a')`, "a", "list: breaks"},
		"a missing break":          {`DELETE FROM order_breaks WHERE n = (SELECT n FROM orders WHERE id = 'a')`, "a", "list: breaks"},
		"a missing order":          {`DELETE FROM orders WHERE id = 'a'`, "a", "missing in the views"},
		"an additional order":      {`CREATE TEMP TABLE more AS SELECT * FROM orders WHERE id = 'a'; UPDATE more SET n = 9999999, id = 'z', last_sequence = 999999; INSERT INTO orders SELECT * FROM more`, "z", "missing in the log"},
		"an order with another id": {`UPDATE orders SET id = 'b'` + one, "a", "missing in the views"},
		"a count of orders":        {`UPDATE facets SET orders = orders + 1 WHERE facet = 1`, "", "count of orders"},
		"a count of breaks":        {`UPDATE break_counts SET orders = 77 WHERE code = 1`, "", "count of breaks"},
		"an object":                {`UPDATE objects SET sequence = sequence + 1 WHERE id = 'c-1'`, "", "object: the views have object=customer id=c-1"},
		"a count of objects":       {`DELETE FROM object_counts WHERE object = 'customer'`, "", "count of objects"},
		"a quarantined record":     {`DELETE FROM quarantine`, "", "quarantine: the log gives sequence=1"},
		"a count of quarantine":    {`UPDATE quarantine_counts SET records = 9`, "", "count of quarantine"},
		"the number of records":    {`UPDATE position SET notifications = notifications - 1`, "", "position"},
	} {
		t.Run(name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(data, "views", "orders-*.db"))
			require.NoError(t, err)
			restore := keep(t, files[0])
			defer restore()
			change(t, data, c.change)
			code, stdout, stderr := execute(t, nil, "verify", "--data", data)
			require.Equal(t, exitFailed, code, "%s%s", stdout, stderr)
			require.True(t, strings.HasPrefix(stdout, "different: "), stdout)
			require.Contains(t, stdout, c.says)
			if c.order != "" {
				require.Contains(t, stdout, `order "`+c.order+`": `)
			}
			said, err := exec.Command(binaries.orderfold, "verify", "--data", data, "--json").Output()
			require.ErrorAs(t, err, new(*exec.ExitError))
			found := decoded[comparison](t, said)
			require.False(t, found.Equal)
			require.Positive(t, len(found.Differences)+len(found.Others))
		})
	}
	code, stdout, stderr := execute(t, nil, "verify", "--data", data)
	require.Equal(t, exitOK, code, "%s%s", stdout, stderr)
	left, err := filepath.Glob(filepath.Join(data, "views", "draft-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestVerifyReportsThatItCouldNotExamine(t *testing.T) {
	t.Parallel()
	code, _, stderr := execute(t, nil, "verify", "--data", filepath.Join(t.TempDir(), "none"))
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "not examined: there is no log in")
}

func TestADifferenceIsFoundWhileServing(t *testing.T) {
	t.Parallel()
	data, args := filled(t)
	p := start(t, []string{"receiver", "api", "log"}, append(args, "--verify-every", "50ms", "--verify-share", "1")...)
	eventually(t, "the views are examined", func() bool {
		s := decoded[verifiedAnswer](t, p.get("/v1/status"))
		return s.VerifiedSequence == s.AppliedSequence && s.VerifiedAt != nil && s.Ready
	})
	change(t, data, `UPDATE orders SET external = external + 1 WHERE id = 'a'`)
	eventually(t, "it is not ready", func() bool { return !decoded[verifiedAnswer](t, p.get("/v1/status")).Ready })
	require.Contains(t, *decoded[statusAnswer](t, p.get("/v1/status")).Reason, "first order a")
	code, _, body := p.ask("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, string(body), "the views differ from the log")
	require.Contains(t, string(p.get("/metrics")), "\norderfold_views_different 1\n")
	change(t, data, `UPDATE orders SET external = external - 1 WHERE id = 'a'`)
	eventually(t, "it is ready again", func() bool { return decoded[verifiedAnswer](t, p.get("/v1/status")).Ready })
	p.stop()
}

type verifiedAnswer struct {
	statusAnswer
	VerifiedSequence uint64
	VerifiedAt       *string
}

// keep returns a function that restores the current contents of the file.
func keep(t testing.TB, path string) (restore func()) {
	t.Helper()
	bytes, err := os.ReadFile(path)
	require.NoError(t, err)
	return func() {
		for _, suffix := range []string{"-wal", "-shm"} {
			require.NoError(t, os.RemoveAll(path+suffix))
		}
		require.NoError(t, os.WriteFile(path, bytes, 0o600))
	}
}
