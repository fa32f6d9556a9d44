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

// fetchPatience is the maximum time for which the other machine may send nothing. It is long
// because that machine makes the copy first.
const fetchPatience = 5 * time.Minute

var errSilent = fmt.Errorf("the other machine has sent nothing for %v", fetchPatience)

// fetchViews returns a function that copies the views of another machine into the folder.
func fetchViews(from *client.Client, folder string) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(fetchPatience, func() { cancel(errSilent) })
		defer silence.Stop()
		copied, err := from.CopyViews(ctx)
		if err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		defer copied.Close()
		if free, err := embedded.FreeDisk(folder); err == nil && free/2 < uint64(copied.Size) {
			return fmt.Errorf("the views take %d bytes, and %d are free on the disk of %s: a copy must leave as much free as it takes", copied.Size, free, folder)
		}
		if _, err = io.Copy(w, &heard{copied, silence}); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		return nil
	}
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
	if free, err := embedded.FreeDisk(c.folder); err == nil && free/2 < uint64(size) {
		return nil, api.ErrNoRoom
	}
	return c.views.Copy(ctx)
}
