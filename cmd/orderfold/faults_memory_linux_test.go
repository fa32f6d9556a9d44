//go:build faults || cluster

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	mostMemory = 512 << 20
	manyPosts  = 400
)

// peakMemory is the most memory that the process has had so far, in bytes.
func (p *process) peakMemory() int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(p.t, err)
	_, rest, found := strings.Cut(string(text), "VmHWM:")
	require.True(p.t, found)
	kilobytes, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(p.t, err)
	return kilobytes << 10
}

// slowDisk mounts a filesystem that is frozen most of the time. It returns "" if the test may not mount one.
func slowDisk(t *testing.T) (dir string) {
	t.Helper()
	image := filepath.Join(t.TempDir(), "image")
	f, err := os.Create(image)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(2<<30))
	require.NoError(t, f.Close())
	dir = filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(dir, 0o700))
	for _, args := range [][]string{{"mkfs.ext4", "-q", image}, {"mount", "-o", "loop", image, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Logf("%v: %v: %s", args, err, out)
			return ""
		}
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	folder, err := os.Open(dir)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var slowing sync.WaitGroup
	slowing.Go(func() {
		const freeze, thaw = 0xc0045877, 0xc0045878 // FIFREEZE, FITHAW
		control := func(request uintptr) {
			_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, folder.Fd(), request, 0)
			assert.Zero(t, errno)
		}
		ticks := time.NewTicker(50 * time.Millisecond)
		defer ticks.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			<-ticks.C
			switch n % 8 {
			case 0:
				control(freeze)
			case 7:
				control(thaw)
			}
			if ctx.Err() != nil && n%8 != 7 {
				control(thaw)
			}
		}
	})
	t.Cleanup(func() {
		stop()
		slowing.Wait()
		assert.NoError(t, folder.Close())
	})
	return dir
}

// postMany posts that many bodies at once and returns how many were stored. It requires that every other answer is
// 503 with Retry-After.
func postMany(t *testing.T, url, round string, chunked bool) (stored int64) {
	t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: manyPosts}}
	defer client.CloseIdleConnections()
	filling := strings.Repeat("x", 1<<20-100)
	var posts sync.WaitGroup
	var count atomic.Int64
	for n := range manyPosts {
		posts.Go(func() {
			body := io.Reader(strings.NewReader(fmt.Sprintf(`{"orderId":"%s-%d","status":"PLACED","filling":%q}`, round, n, filling)))
			if chunked {
				body = io.MultiReader(body, bytes.NewReader(nil)) // with a length that the client does not know
			}
			answer, err := client.Post(url+"/traditional-asset-order-notification", "application/json", body)
			if !assert.NoError(t, err) {
				return
			}
			defer answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				count.Add(1)
				return
			}
			assert.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
			assert.NotEmpty(t, answer.Header.Get("Retry-After"))
		})
	}
	posts.Wait()
	return count.Load()
}

func TestFaultManyLargePostsAtOnceStayInBoundedMemory(t *testing.T) {
	for name, slow := range map[string]func(*testing.T) string{
		"on the disk of the temporary folder": func(t *testing.T) string { return t.TempDir() },
		"on a disk that stands still":         slowDisk,
	} {
		t.Run(name, func(t *testing.T) {
			dir := slow(t)
			if dir == "" {
				t.Log("no filesystem may be mounted here: nothing was examined")
				return
			}
			p := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", filepath.Join(dir, "data"),
				"--read-timeout", patience.String()}, freePorts...)...)
			stored := postMany(t, p.addrs["receiver"], "sized", false) + postMany(t, p.addrs["receiver"], "chunked", true)
			require.Positive(t, stored)
			require.LessOrEqual(t, p.peakMemory(), mostMemory)
			t.Logf("%d of %d stored, at most %d MiB", stored, 2*manyPosts, p.peakMemory()>>20)
			last := decoded[statusAnswer](t, p.get("/v1/status")).Log.LastSequence
			require.GreaterOrEqual(t, int64(last), stored, "a notification that was answered 200 is in the log")
			p.stop()
		})
	}
}
