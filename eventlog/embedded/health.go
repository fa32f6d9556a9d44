package embedded

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

const (
	// trialPause is how long a fault of the server must last to count.
	trialPause = 250 * time.Millisecond
	// diskMargin is the free disk space, in bytes, below which CheckDisk tries to write.
	diskMargin = 4 << 20
	// diskTrial is the number of bytes that CheckDisk tries to write.
	diskTrial = 64 << 10
)

// Trouble returns a channel that gets a signal whenever the server reports an error.
func (s *Server) Trouble() <-chan struct{} { return s.messages.trouble }

// LastWarning returns the last warning that the server has logged since its start.
func (s *Server) LastWarning() string { return s.messages.lastWarning() }

// Sick returns the reason why the server does not work, or nil if it works. A consumer that is
// being added or removed is missing for a moment, so Sick checks a fault again after a quarter of a
// second before it reports it.
func (s *Server) Sick(ctx context.Context) error {
	if s.health() == nil {
		return nil
	}
	trial := time.NewTimer(trialPause)
	defer trial.Stop()
	select {
	case <-trial.C:
	case <-ctx.Done():
	}
	return s.health()
}

// Restart ends the server and starts another one in its place. First it writes that many bytes to
// the disk. If the write fails, the server is not ended: a frozen server still answers readers, and
// the next one would freeze as well. When the stream is open again, the caller calls Recovered.
func (s *Server) Restart(bytes int) error {
	if err := s.tryWriting(bytes); err != nil {
		return err
	}
	s.end()
	if err := s.second.give(); err != nil {
		return err
	}
	s.messages.forget()
	return s.start()
}

// CheckDisk checks whether a message still fits on a disk that is nearly full. Otherwise nothing
// would report a full disk before the first write fails, and a log without writes would look
// healthy.
func (s *Server) CheckDisk() {
	if free, err := FreeDisk(s.dir); err != nil || free > diskMargin {
		s.diskFull.Store(nil)
		return
	}
	if err := s.tryWriting(diskTrial); err != nil {
		s.diskFull.Store(&err)
		return
	}
	s.diskFull.Store(nil)
}

// DiskFull returns the reason why the last CheckDisk could not write, or nil if it could.
func (s *Server) DiskFull() error {
	if err := s.diskFull.Load(); err != nil {
		return *err
	}
	return nil
}

// tryWriting writes a file of the given size into the data folder, and removes it.
func (s *Server) tryWriting(bytes int) error {
	file, err := os.CreateTemp(s.dir, "room.*")
	if err == nil {
		_, err = file.Write(make([]byte, bytes))
		err = errors.Join(err, file.Sync(), file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		return fmt.Errorf("eventlog: the data folder cannot be written: %w", err)
	}
	return nil
}

// health asks the server for its health, like its monitoring endpoint but without a listener.
func (s *Server) health() error {
	running := s.running()
	if running == nil {
		return errors.New("it does not run")
	}
	question, err := http.NewRequest(http.MethodGet, "/healthz", nil)
	if err != nil {
		return err
	}
	answer := &healthAnswer{}
	running.HandleHealthz(answer, question)
	if answer.status == http.StatusOK || answer.status == 0 {
		return nil
	}
	var said struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer.body.Bytes(), &said); err != nil || said.Error == "" {
		said.Error = fmt.Sprintf("its health is %d", answer.status)
	}
	return errors.New(said.Error)
}

// healthAnswer is an http.ResponseWriter that keeps the server's answer.
type healthAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the headers, which nothing reads.
func (a *healthAnswer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

// WriteHeader keeps the status.
func (a *healthAnswer) WriteHeader(status int) { a.status = status }

// Write adds a part to the body.
func (a *healthAnswer) Write(part []byte) (int, error) { return a.body.Write(part) }
