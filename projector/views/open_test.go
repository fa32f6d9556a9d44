package views

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/orderfold/orderfold/statemachine"
)

// openLogged also returns the logged warnings.
func openLogged(t *testing.T, dir, foldVersion string) (*Store, []observer.LoggedEntry) {
	core, logs := observer.New(zap.WarnLevel)
	s := openAs(t, Options{Dir: dir, FoldVersion: foldVersion, Logger: zap.New(core)})
	return s, logs.All()
}

func generationOf(t *testing.T, s *Store) int {
	status, err := s.Status(context.Background())
	require.NoError(t, err)
	return status.Generation
}

func TestViewsOfAnotherFoldVersionAreReplaced(t *testing.T) {
	dir := t.TempDir()
	for n, version := range []string{"a", "b", "c", "d"} {
		s, warned := openLogged(t, dir, version)
		require.Equal(t, n+1, generationOf(t, s))
		newWorld().requireViews(t, s)
		if n == 0 {
			require.Empty(t, warned)
		} else {
			require.Len(t, warned, 1)
			require.Contains(t, warned[0].ContextMap()["reason"], "fold version")
		}
		w := newWorld()
		w.status("o-1", statemachine.Placed)
		w.commit(t, s)
		require.NoError(t, s.Close())
	}
	all, err := generations(dir)
	require.NoError(t, err)
	require.Equal(t, []int{3, 4}, all, "the previous generation is kept, older ones are not")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, left, 5, "nothing else is left behind: %v", left)

	s, warned := openLogged(t, dir, "d")
	require.Empty(t, warned)
	require.Equal(t, 4, generationOf(t, s))
}

// The middle of a file is damaged, which only a complete read can notice.
func TestAFileIsReadCompletelyUnlessItWasClosedCleanlyAndNotChanged(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(t *testing.T, dir, path string)
		noticed bool
	}{
		"closed and unchanged": {func(*testing.T, string, string) {}, false},
		"changed since": {func(t *testing.T, _, path string) {
			require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour)))
		}, true},
		"read since": {func(t *testing.T, _, path string) {
			require.NoError(t, os.WriteFile(path+"-wal", nil, 0o600))
		}, false},
		"a write-ahead log since": {func(t *testing.T, _, path string) {
			require.NoError(t, os.WriteFile(path+"-wal", []byte("x"), 0o600))
		}, true},
		"killed, without a note": {func(t *testing.T, dir, _ string) {
			require.NoError(t, os.Remove(filepath.Join(dir, closedFile)))
		}, true},
		"a truncated note": {func(t *testing.T, dir, _ string) {
			require.NoError(t, os.Truncate(filepath.Join(dir, closedFile), 5))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, _ := openLogged(t, dir, "a")
			w := newWorld()
			for i := range 2000 {
				w.status(fmt.Sprint("o-", i), statemachine.Placed)
			}
			w.commit(t, s)
			require.NoError(t, s.Close())
			path := generationPath(dir, 1)
			info, err := os.Stat(path)
			require.NoError(t, err)
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			require.NoError(t, err)
			_, err = f.WriteAt(make([]byte, 4096), info.Size()/2&^4095)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.NoError(t, os.Chtimes(path, time.Time{}, info.ModTime()))
			test.change(t, dir, path)
			_, warned := openLogged(t, dir, "a")
			require.Equal(t, test.noticed, len(warned) > 0)
			require.NoFileExists(t, filepath.Join(dir, closedFile), "a note holds for one start")
		})
	}
}

func TestANewGenerationRemovesUnfinishedAndOldGenerations(t *testing.T) {
	for name, test := range map[string]struct {
		live, left []int
		want       []int
	}{
		"an unfinished one is removed, the live one stays":  {[]int{4}, []int{3, 4, 5}, []int{4, 6}},
		"without a live one the latest stays":               {nil, []int{3, 4, 5}, []int{5, 6}},
		"without the file of the live one the latest stays": {[]int{7}, []int{3, 4}, []int{4, 8}},
		"what only looks like a generation is not touched":  {[]int{1}, []int{1}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, n := range test.left {
				require.NoError(t, writeSynced(generationPath(dir, n), "not a database"))
			}
			for _, n := range test.live {
				require.NoError(t, writeLive(dir, n))
			}
			others := []string{"orders-x.db", "orders-0.db", "orders-1.db.bak", "notes.txt"}
			for _, other := range others {
				require.NoError(t, writeSynced(filepath.Join(dir, other), ""))
			}
			s, warned := openLogged(t, dir, testVersion)
			require.Len(t, warned, 1)
			all, err := generations(dir)
			require.NoError(t, err)
			require.Equal(t, test.want, all)
			require.Equal(t, test.want[1], generationOf(t, s))
			for _, other := range others {
				require.FileExists(t, filepath.Join(dir, other))
			}
		})
	}
}

func TestDamagedViewsAreReplaced(t *testing.T) {
	file := func(dir string) string { return generationPath(dir, 1) }
	change := func(change func(t *testing.T, b []byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			b, err := os.ReadFile(file(dir))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(file(dir), change(t, b), 0o600))
		}
	}
	run := func(text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			db, err := openFile(file(dir), "rw")
			require.NoError(t, err)
			_, err = db.Exec(text)
			require.NoError(t, err)
			require.NoError(t, db.Close())
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"the file is missing":             func(t *testing.T, dir string) { require.NoError(t, os.Remove(file(dir))) },
		"the file is empty":               change(func(_ *testing.T, b []byte) []byte { return nil }),
		"the header is cut":               change(func(_ *testing.T, b []byte) []byte { return b[:60] }),
		"the file ends early":             change(func(_ *testing.T, b []byte) []byte { return b[:len(b)/2] }),
		"the last page is cut":            change(func(_ *testing.T, b []byte) []byte { return b[:len(b)-1000] }),
		"the header is garbage":           change(func(_ *testing.T, b []byte) []byte { return flip(b, 0, 100) }),
		"all of it is garbage":            change(func(_ *testing.T, b []byte) []byte { return flip(b, 0, len(b)) }),
		"a page in the middle is not":     change(func(_ *testing.T, b []byte) []byte { return flip(b, len(b)/2/4096*4096, 4096) }),
		"a table is missing":              run(`DROP TABLE order_breaks`),
		"an index is missing":             run(`DROP INDEX orders_by_facet`),
		"a column is missing":             run(`ALTER TABLE quarantine DROP COLUMN reason`),
		"the position is missing":         run(`DELETE FROM position`),
		"another schema":                  run(`PRAGMA user_version = 99`),
		"live is missing":                 func(t *testing.T, dir string) { require.NoError(t, os.Remove(livePath(dir))) },
		"live is empty":                   func(t *testing.T, dir string) { require.NoError(t, writeSynced(livePath(dir), "")) },
		"live is garbage":                 func(t *testing.T, dir string) { require.NoError(t, writeSynced(livePath(dir), "-1\n")) },
		"live names a missing generation": func(t *testing.T, dir string) { require.NoError(t, writeLive(dir, 1000)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			first := open(t, dir)
			crowd(t, first, 200)
			require.NoError(t, first.Close())
			damage(t, dir)

			s, warned := openLogged(t, dir, testVersion)
			require.Len(t, warned, 1)
			require.NotEmpty(t, warned[0].ContextMap()["reason"])
			t.Log(warned[0].ContextMap()["reason"])
			require.Greater(t, generationOf(t, s), 1)
			newWorld().requireViews(t, s)
			w := crowd(t, s, 50)
			require.NoError(t, s.Close())

			again, warned := openLogged(t, dir, testVersion)
			require.Empty(t, warned)
			w.requireViews(t, again)
		})
	}
}

// flip changes bits in n bytes.
func flip(b []byte, from, n int) []byte {
	random := rand.New(rand.NewPCG(3, 4))
	for i := range n {
		b[from+i] ^= byte(1 + random.IntN(255))
	}
	return b
}

func TestASecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	_, err := Open(context.Background(), Options{Dir: dir, FoldVersion: testVersion})
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, dir)
	require.NoError(t, first.Close())
	open(t, dir)
}

func TestAFolderThatCannotBeCreatedIsReported(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a file")
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	_, err := Open(context.Background(), Options{Dir: dir})
	require.ErrorContains(t, err, "views: create the folder")
	require.NotContains(t, err.Error(), "\n", "one line")
	_, err = Open(context.Background(), Options{Dir: filepath.Join(dir, "views")})
	require.ErrorContains(t, err, "views: create the folder")
}

func TestAFolderMayHaveAnUnusualName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e&f=g;ü")
	s := open(t, dir)
	w := crowd(t, s, 20)
	w.requireViews(t, openReadOnly(t, dir))
	require.FileExists(t, generationPath(dir, 1))
}

func TestDraftsAreRemovedFromAFolderWhoseNameLooksLikeAPattern(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "views [1")
	left := filepath.Join(dir, "draft-1")
	require.NoError(t, os.MkdirAll(left, 0o700))
	open(t, dir)
	require.NoDirExists(t, left)
}
