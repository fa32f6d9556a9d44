package access

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const maxKeyFile = 1 << 20 // bytes

// KeyFile is a file of keys whose changes are applied while the API is served. Each line is name:role:key;
// empty lines and lines that begin with # are ignored. Create one with OpenKeyFile.
//
// A change is accepted after the file was read twice with the same content, so that a half-written
// file is not used. A file that cannot be read or is invalid changes nothing: the previous keys
// stay, the error is logged once, and the metric orderfold_api_key_file_valid is 0 until the file
// is valid again.
type KeyFile struct {
	path   string
	fixed  []Key
	logger *zap.Logger
	valid  prometheus.Gauge

	inForce, lookedAt, refused state
}

// state is a digest of the file's content, or of the error if the file could not be read.
type state [sha256.Size]byte

// OpenKeyFile reads the file and returns its keys together with fixed, which are valid whatever the
// file contains. It fails if the file cannot be read or is larger than 1 MiB, a line is not a key,
// or two keys share a secret. Errors contain line numbers but never the text of lines.
func OpenKeyFile(path string, fixed []Key, logger *zap.Logger, registerer prometheus.Registerer) (*KeyFile, []Key, error) {
	f := &KeyFile{path: path, fixed: fixed, logger: logger, valid: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "orderfold_api_key_file_valid", Help: "1 when the keys in force are those of the key file, 0 when it has a fault.",
	})}
	found, text, err := f.look()
	if err != nil {
		return nil, nil, err
	}
	keys, err := f.parse(text)
	if err != nil {
		return nil, nil, err
	}
	if err := registerer.Register(f.valid); err != nil {
		return nil, nil, fmt.Errorf("api: metrics: %w", err)
	}
	f.valid.Set(1)
	f.inForce = found
	return f, keys, nil
}

// Refresh reads the file and calls replace with the keys if they have changed. It must be called by one
// goroutine, about once a second.
func (f *KeyFile) Refresh(replace func([]Key) error) {
	found, text, err := f.look()
	before := f.lookedAt
	f.lookedAt = found
	switch {
	case found == f.inForce:
		if f.refused != (state{}) {
			f.refused = state{}
			f.valid.Set(1)
			f.logger.Info("the key file is valid again and in force", zap.String("file", f.path))
		}
		return
	case found != before || found == f.refused:
		return // the file may still be being written, or its error was already reported
	}
	var keys []Key
	if err == nil {
		keys, err = f.parse(text)
	}
	if err == nil {
		err = replace(keys)
	}
	if err != nil {
		f.refused = found
		f.valid.Set(0)
		f.logger.Error("THE KEY FILE HAS A FAULT; the previous keys stay in force", zap.String("file", f.path), zap.Error(err))
		return
	}
	f.inForce, f.refused = found, state{}
	f.valid.Set(1)
	f.logger.Info("keys replaced", zap.String("file", f.path), zap.Int("keys", len(keys)))
}

// look reads the whole file, because comparing the content detects every change, including a change of a
// mounted link.
func (f *KeyFile) look() (found state, text []byte, err error) {
	text, err = f.read()
	if err != nil {
		err = fmt.Errorf("api: key file: %w", err)
		return sha256.Sum256([]byte("error " + err.Error())), nil, err
	}
	return sha256.Sum256(append([]byte("text "), text...)), text, nil
}

func (f *KeyFile) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if err == nil && len(text) > maxKeyFile {
		err = fmt.Errorf("%s is larger than %d bytes", f.path, maxKeyFile)
	}
	return text, err
}

// parse returns the fixed keys and those in the text. It logs a warning if other users can read or write
// the file.
func (f *KeyFile) parse(text []byte) ([]Key, error) {
	keys := slices.Clone(f.fixed)
	number := 0
	// A byte order mark is not part of a key.
	for line := range bytes.Lines(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))) {
		number++
		trimmed := strings.TrimSpace(string(line))
		if trimmed == "" || trimmed[0] == '#' {
			continue
		}
		key, err := ParseKey(trimmed)
		if err != nil {
			return nil, fmt.Errorf("api: key file: line %d: %w", number, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("api: key file: it contains no key")
	}
	if err := distinct(keys); err != nil {
		return nil, err
	}
	if info, err := os.Stat(f.path); err == nil && info.Mode().Perm()&0o007 != 0 && runtime.GOOS != "windows" {
		f.logger.Warn("every user of this machine can read or write the key file; chmod o= it",
			zap.String("file", f.path), zap.Stringer("mode", info.Mode()))
	}
	return keys, nil
}
