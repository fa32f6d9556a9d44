package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// End is the end of a log when it was last looked at. The server cuts off a damaged end without
// reporting it, so the next start compares the log with the End in the data folder.
type End struct {
	Log      string `json:"log"` // identity of the log
	Sequence uint64 `json:"sequence"`
	Hash     string `json:"hash,omitempty"` // of the record at Sequence; "": not known
}

func (s *Server) endPath() string { return filepath.Join(s.dir, "last-seen.json") }

// ReadEnd returns the End that was last written. Errors: fs.ErrNotExist when there is none, and
// others when the file cannot be read.
func (s *Server) ReadEnd() (End, error) {
	data, err := os.ReadFile(s.endPath())
	if err != nil {
		return End{}, err
	}
	var e End
	return e, json.Unmarshal(data, &e)
}

// WriteEnd replaces the End. If an End is not synced, a power failure can destroy it and the
// previous one.
func (s *Server) WriteEnd(e End, synced bool) error {
	data, err := json.Marshal(e)
	if err == nil {
		err = replaceFile(s.endPath(), data, synced)
	}
	if err != nil {
		return fmt.Errorf("eventlog: record how far the log reaches: %w", err)
	}
	return nil
}

// ForgetEnd removes the End, so that the next start makes no comparison.
func (s *Server) ForgetEnd() error {
	if err := os.Remove(s.endPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("eventlog: forget how far the log reached: %w", err)
	}
	return nil
}
