package api_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/orderfold/orderfold/api"
	"github.com/orderfold/orderfold/api/access"
	"github.com/orderfold/orderfold/projector/views"
	"github.com/stretchr/testify/require"
)

// copier copies empty views, and fails if the test sets an error.
type copier struct {
	*views.Store
	dir   string
	err   error
	first func()            // runs before the first copy; nil: nothing
	harm  func(*views.Copy) // changes a copy before it is sent; nil: nothing
}

func (c *copier) Copy(ctx context.Context) (*views.Copy, error) {
	if c.first != nil {
		c.first()
	}
	if c.err != nil {
		return nil, c.err
	}
	copied, err := c.Store.Copy(ctx)
	if err == nil && c.harm != nil {
		c.harm(copied)
	}
	return copied, err
}

func startCopier(t *testing.T, change ...func(*api.Options)) (*server, *copier) {
	c := &copier{dir: t.TempDir()}
	var err error
	c.Store, err = views.Open(t.Context(), views.Options{Dir: c.dir, FoldVersion: "f"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return start(t, newWorld(t), append(change, func(o *api.Options) { o.Copies = c })...), c
}

// askCopy asks for a copy without reading it.
func (s *server) askCopy(t *testing.T) *http.Response {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.base+"/v1/copies", nil)
	require.NoError(t, err)
	request.Header.Set("Accept-Encoding", "identity")
	r, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	return r
}

// requireFree waits until another copy can be made, and requires that nothing of the last one is left.
func (s *server) requireFree(t *testing.T, c *copier) {
	t.Helper()
	require.Eventually(t, func() bool {
		r := s.askCopy(t)
		defer r.Body.Close()
		_, err := io.Copy(io.Discard, r.Body)
		return err == nil && r.StatusCode == http.StatusOK
	}, time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		left, err := filepath.Glob(filepath.Join(c.dir, "draft-*"))
		return err == nil && len(left) == 0
	}, time.Minute, 5*time.Millisecond)
}

func TestACopyOfTheViewsIsSentCompletely(t *testing.T) {
	s, c := startCopier(t)
	r := s.askCopy(t)
	defer r.Body.Close()
	require.Equal(t, http.StatusOK, r.StatusCode)
	require.Equal(t, "application/vnd.sqlite3", r.Header.Get("Content-Type"))
	require.Equal(t, "no-store", r.Header.Get("Cache-Control"))
	all, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, r.ContentLength, int64(len(all)))
	require.True(t, strings.HasPrefix(string(all), "SQLite format 3\x00"))
	s.requireFree(t, c)
}

func TestOnlyOneCopyIsMadeAtATime(t *testing.T) {
	for name, leaves := range map[string]bool{"the reader takes it": false, "the reader leaves meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			s, c := startCopier(t)
			begun, goOn := make(chan struct{}), make(chan struct{})
			c.first = sync.OnceFunc(func() { close(begun); <-goOn })
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/v1/copies", nil)
				if err != nil {
					return
				}
				if r, err := http.DefaultClient.Do(request); err == nil {
					r.Body.Close()
				}
			}()
			<-begun
			code, _ := s.do(t, http.MethodPost, "/v1/copies").problem(t)
			require.Equal(t, "busy", code)
			if leaves {
				leave()
				<-ended
			}
			close(goOn)
			<-ended
			s.requireFree(t, c)
		})
	}
}

func TestARefusedCopyReportsTheReason(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
		code   string
	}{
		"the disk has no room":      {api.ErrNoRoom, http.StatusServiceUnavailable, "busy"},
		"nothing is folded yet":     {views.ErrNoViews, http.StatusServiceUnavailable, "not-ready"},
		"the views are damaged":     {views.ErrDamaged, http.StatusServiceUnavailable, "not-ready"},
		"the file no longer exists": {os.ErrNotExist, http.StatusInternalServerError, "internal"},
	} {
		t.Run(name, func(t *testing.T) {
			s, c := startCopier(t)
			c.err = test.err
			a := s.do(t, http.MethodPost, "/v1/copies")
			code, _ := a.problem(t)
			require.Equal(t, test.code, code)
			require.Equal(t, test.status, a.StatusCode)
			c.err = nil
			s.requireFree(t, c)
		})
	}
}

func TestACopyNeedsAnOperatorAndHTTP11(t *testing.T) {
	s, _ := startCopier(t, func(o *api.Options) { o.Access.Keys = []access.Key{key(t, "r:reader:one")} })
	s.key = "one"
	code, _ := s.do(t, http.MethodPost, "/v1/copies").problem(t)
	require.Equal(t, "forbidden", code)

	s, _ = startCopier(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "POST /v1/copies HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
	require.NoError(t, err)
	all, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(all), "http-version")
}

func TestACopyThatCannotBeReadIsCutOff(t *testing.T) {
	s, c := startCopier(t)
	c.harm = func(copied *views.Copy) {
		require.NoError(t, copied.File.Close())
		var err error
		copied.File, err = os.Open(c.dir) // it has a size but cannot be read
		require.NoError(t, err)
	}
	request, err := http.NewRequest(http.MethodPost, s.base+"/v1/copies", nil)
	require.NoError(t, err)
	r, err := http.DefaultClient.Do(request)
	if err == nil {
		defer r.Body.Close()
		_, err = io.ReadAll(r.Body)
	}
	require.Error(t, err, "a part must not look complete")
	c.harm = nil
	s.requireFree(t, c)
}
