package views

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func livePath(dir string) string { return filepath.Join(dir, "live") }

func generationPath(dir string, n int) string {
	return filepath.Join(dir, fmt.Sprintf("orders-%d.db", n))
}

// errLiveDamaged occurs when the file live does not contain a number.
var errLiveDamaged = errors.New("views: the file live does not name a generation")

// readLive returns the number of the live generation. Errors: ErrNoViews when the file live does
// not exist, and errLiveDamaged.
func readLive(dir string) (int, error) {
	text, err := os.ReadFile(livePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w (%s)", ErrNoViews, dir)
	}
	if err != nil {
		return 0, fmt.Errorf("views: read which generation is live: %w", err)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "\n"))
	if err != nil || n < 1 {
		return 0, errLiveDamaged
	}
	return n, nil
}

// writeLive makes n the live generation. The file is replaced as a whole or not at all, and is on
// disk when writeLive returns.
func writeLive(dir string, n int) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("views: make generation %d live: %w", n, err)
		}
	}()
	temp := livePath(dir) + ".new"
	if err := writeSynced(temp, strconv.Itoa(n)+"\n"); err != nil {
		return err
	}
	if err := os.Rename(temp, livePath(dir)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeSynced(path, text string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// generations returns the numbers of the generations in dir, ascending.
func generations(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("views: list the generations: %w", err)
	}
	var found []int
	for _, entry := range entries {
		name, isGeneration := strings.CutPrefix(entry.Name(), "orders-")
		name, isFile := strings.CutSuffix(name, ".db")
		if n, err := strconv.Atoi(name); err == nil && n > 0 && isGeneration && isFile {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found, nil
}

// removeGeneration removes the file and the files that SQLite keeps beside it.
func removeGeneration(dir string, n int) error {
	path := generationPath(dir, n)
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("views: remove generation %d: %w", n, err)
		}
	}
	return nil
}
