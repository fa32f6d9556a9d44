package views

// schemaVersion is stored in every file. A file with another version is left behind; see doc.go.
const schemaVersion = 15

// schema is executed once, when a generation begins. The indexes are made at the same time, or
// later when the generation is made in bulk. DESIGN.md gives the reasons for the tables and
// indexes.
const schema = `
CREATE TABLE position (
	one           INTEGER PRIMARY KEY CHECK (one = 1),
	fold_version  TEXT NOT NULL,
	log           TEXT NOT NULL DEFAULT '',
	sequence      INTEGER NOT NULL DEFAULT 0,
	hash          TEXT NOT NULL DEFAULT '',
	received      INTEGER NOT NULL DEFAULT 0,
	notifications INTEGER NOT NULL DEFAULT 0,
	quarantined   INTEGER NOT NULL DEFAULT 0,
	health        TEXT NOT NULL DEFAULT '',
	health_at     INTEGER NOT NULL DEFAULT 0,
	verified      INTEGER NOT NULL DEFAULT 0,
	verified_at   INTEGER NOT NULL DEFAULT 0,
	difference    TEXT NOT NULL DEFAULT '',
	revision      INTEGER NOT NULL DEFAULT 0,
	revised       INTEGER NOT NULL DEFAULT 0,
	revised_by    TEXT NOT NULL DEFAULT '',
	epoch         INTEGER NOT NULL DEFAULT 0,
	feed          TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE facets (
	facet       INTEGER PRIMARY KEY,
	status      TEXT NOT NULL,
	asset_class INTEGER NOT NULL,
	open        INTEGER NOT NULL,
	final       INTEGER NOT NULL,
	broken      INTEGER NOT NULL,
	side        INTEGER NOT NULL,
	orders      INTEGER NOT NULL CHECK (orders >= 0),
	sums        BLOB NOT NULL,
	UNIQUE (status, asset_class, open, final, broken, side)
) STRICT;

CREATE TABLE trade_counts (
	facet  INTEGER NOT NULL,
	trade  INTEGER NOT NULL,
	orders INTEGER NOT NULL CHECK (orders >= 0),
	PRIMARY KEY (facet, trade)
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
	n             INTEGER PRIMARY KEY,
	id            TEXT NOT NULL,
	facet         INTEGER NOT NULL,
	breaks        INTEGER NOT NULL,
	last_sequence INTEGER NOT NULL,
	received      INTEGER NOT NULL,
	modified      BLOB NOT NULL,
	trade         INTEGER NOT NULL,
	era           INTEGER NOT NULL,
	external      INTEGER NOT NULL,
	isin          INTEGER NOT NULL,
	symbol        INTEGER NOT NULL,
	depository    INTEGER NOT NULL,
	wallet        INTEGER NOT NULL,
	cash          INTEGER NOT NULL,
	order_type    INTEGER NOT NULL,
	exchange      INTEGER NOT NULL,
	quantity      BLOB NOT NULL,
	created       BLOB NOT NULL,
	executed      INTEGER NOT NULL,
	since         BLOB NOT NULL,
	sums          BLOB NOT NULL,
	recent        BLOB NOT NULL,
	state         BLOB NOT NULL
) STRICT;

CREATE TABLE zones (
	zone           INTEGER PRIMARY KEY,
	received_first INTEGER NOT NULL,
	received_last  INTEGER NOT NULL,
	modified_first BLOB NOT NULL,
	modified_last  BLOB NOT NULL,
	created_first  BLOB NOT NULL,
	created_last   BLOB NOT NULL,
	since_first    BLOB NOT NULL,
	since_last     BLOB NOT NULL,
	awaiting_first INTEGER NOT NULL,
	awaiting_last  INTEGER NOT NULL,
	settled_first  INTEGER NOT NULL,
	settled_last   INTEGER NOT NULL
) STRICT;

CREATE TABLE order_sequences (
	n         INTEGER NOT NULL,
	first     INTEGER NOT NULL,
	sequences BLOB NOT NULL,
	PRIMARY KEY (n, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_breaks (
	n             INTEGER NOT NULL,
	code          INTEGER NOT NULL,
	last_sequence INTEGER NOT NULL,
	opened        BLOB NOT NULL,
	PRIMARY KEY (n, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE break_counts (
	code   INTEGER PRIMARY KEY,
	orders INTEGER NOT NULL CHECK (orders >= 0)
) STRICT;

CREATE TABLE objects (
	object   TEXT NOT NULL,
	id       TEXT NOT NULL,
	sequence INTEGER NOT NULL,
	received INTEGER NOT NULL,
	count    INTEGER NOT NULL,
	PRIMARY KEY (object, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE object_counts (
	object        TEXT PRIMARY KEY,
	notifications INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
	sequence INTEGER PRIMARY KEY,
	received INTEGER NOT NULL,
	object   TEXT NOT NULL,
	class    TEXT NOT NULL,
	reason   TEXT NOT NULL
) STRICT;

CREATE TABLE quarantine_counts (
	class   TEXT PRIMARY KEY,
	records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// idIndex is made before the other indexes, because changes look up orders by id.
const idIndex = `CREATE UNIQUE INDEX IF NOT EXISTS orders_by_id ON orders (id);`

const indexes = `
CREATE INDEX orders_by_facet ON orders (facet, last_sequence, received, modified, trade, sums, breaks, executed, quantity, order_type,
	exchange, created, since, isin, symbol, depository, wallet, cash);
CREATE INDEX orders_by_modified ON orders (facet, modified, last_sequence, received, trade);
CREATE INDEX orders_by_trade ON orders (facet, trade, last_sequence, received, modified) WHERE trade >= 0;
CREATE INDEX orders_by_external ON orders (external, era) WHERE external <> 0;
CREATE INDEX orders_by_isin ON orders (isin, era) WHERE isin <> 0;
CREATE INDEX orders_by_symbol ON orders (symbol, era) WHERE symbol <> 0;
CREATE INDEX orders_by_depository ON orders (depository, era) WHERE depository <> 0;
CREATE INDEX orders_by_wallet ON orders (wallet, era) WHERE wallet <> 0;
CREATE INDEX orders_by_cash ON orders (cash, era) WHERE cash <> 0;
CREATE UNIQUE INDEX order_breaks_by_last ON order_breaks (code, last_sequence);
CREATE UNIQUE INDEX order_breaks_by_opened ON order_breaks (code, opened, n);
CREATE INDEX objects_by_last ON objects (object, sequence);
CREATE UNIQUE INDEX quarantine_by_class ON quarantine (class, sequence);
`
