package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/client"
	"github.com/orderfold/orderfold/eventlog/embedded"
	"github.com/orderfold/orderfold/projector/views"
)

// viewsFrom is the machine from which the first views are copied.
type viewsFrom struct{ apiAccess }

func (v *viewsFrom) register(f *flagSet) {
	f.StringVar(&v.url, "views-from", "", "`URL` of the API of another reading machine, whose views are copied if there are none here; empty: fold the log")
	f.StringVar(&v.key, "views-from-key", "", "key of the role operator for --views-from; better in the environment, because the process list shows flags")
	f.StringVar(&v.ca, "views-from-ca", "", "`file` of certificates to trust for --views-from, in addition to those that the system trusts")
}

// client returns a client of the machine, or nil if none is named.
func (v *viewsFrom) client() (*client.Client, error) {
	switch {
	case v.url != "":
		return v.clientAs("views-from", "views-from-ca")
	case v.key != "" || v.ca != "":
		return nil, usagef("--views-from-key and --views-from-ca need --views-from")
	}
	return nil, nil
}

const (
	// copyPatience is the time that the other machine may take to make the copy before it sends anything.
	copyPatience = time.Hour
	// fetchPatience is the time for which it may send nothing after that.
	fetchPatience = 5 * time.Minute
)

var errSilent = errors.New("the other machine sends nothing")

// fetchViews returns a function that writes a copy of the views of another machine to w. It fails if the
// disk of folder has no room for the copy.
func fetchViews(from *client.Client, folder string) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(copyPatience, func() { cancel(errSilent) })
		defer silence.Stop()
		copied, err := from.CopyViews(ctx)
		if err == nil {
			defer copied.Close()
			if !roomForCopy(folder, copied.Size) {
				return fmt.Errorf("the copy takes %d bytes, and the disk of %s must keep as much free", copied.Size, folder)
			}
			_, err = io.Copy(w, &heard{copied, silence})
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		return err
	}
}

// roomForCopy reports whether the disk of a folder keeps as much free as a copy takes, or its free
// space is not known.
func roomForCopy(folder string, size int64) bool {
	free, err := embedded.FreeDisk(folder)
	return err != nil || free/2 >= uint64(size)
}

// heard restarts the timer of fetchPatience with each part that is read.
type heard struct {
	io.Reader
	silence *time.Timer
}

// Read reads a part and restarts the timer.
func (h *heard) Read(part []byte) (int, error) {
	n, err := h.Reader.Read(part)
	h.silence.Reset(fetchPatience)
	return n, err
}

// apiCopies copies the views if the disk has room.
type apiCopies struct {
	views  *views.Store
	folder string
}

func (c apiCopies) Copy(ctx context.Context) (*views.Copy, error) {
	size, err := c.views.Size(ctx)
	if err != nil {
		return nil, err
	}
	if !roomForCopy(c.folder, size) {
		return nil, api.ErrNoRoom
	}
	return c.views.Copy(ctx)
}
