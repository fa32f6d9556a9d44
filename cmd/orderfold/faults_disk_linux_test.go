//go:build faults || cluster

package main

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// disk is the disk of the service, which a test can fill.
type disk interface {
	data() string
	command(args ...string) *exec.Cmd // returns orderfold with its data on this disk
	fill(*process)
	free(*process)
}

// smallDisk is a separate filesystem, filled by a large file.
type smallDisk struct {
	t   testing.TB
	dir string
}

// mountSmallDisk returns nil if the test may not mount a filesystem.
func mountSmallDisk(t testing.TB) *smallDisk {
	t.Helper()
	d := &smallDisk{t, t.TempDir()}
	err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=64m")
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return nil
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := syscall.Unmount(d.dir, 0); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *smallDisk) data() string { return filepath.Join(d.dir, "data") }

func (d *smallDisk) command(args ...string) *exec.Cmd {
	return exec.Command(binaries.orderfold, args...)
}

func (d *smallDisk) ballast() string { return filepath.Join(d.dir, "ballast") }

func (d *smallDisk) fill(*process) {
	d.t.Helper()
	f, err := os.Create(d.ballast())
	require.NoError(d.t, err)
	for block := make([]byte, 1<<20); err == nil; {
		_, err = f.Write(block)
	}
	require.ErrorIs(d.t, err, syscall.ENOSPC)
	require.NoError(d.t, f.Close())
}

func (d *smallDisk) free(*process) {
	d.t.Helper()
	require.NoError(d.t, os.Remove(d.ballast()))
}

// limitedDisk limits the size of the files that the process writes, which needs no privilege.
type limitedDisk struct {
	t   testing.TB
	dir string
}

func (d *limitedDisk) data() string { return filepath.Join(d.dir, "data") }

// limitable is set for a process that has to execute orderfold with SIGXFSZ blocked, so that a write beyond the limit
// is an error and does not kill the process. A Go program passes only its own signal mask on to a command, and cannot
// change it.
const limitable = "ORDERFOLD_TEST_LIMITABLE"

func init() {
	path := os.Getenv(limitable)
	if path == "" {
		return
	}
	runtime.LockOSThread()
	mask := uint64(1) << (syscall.SIGXFSZ - 1)
	const block = 0 // SIG_BLOCK
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, block, uintptr(unsafe.Pointer(&mask)), 0, 8, 0, 0); errno != 0 {
		panic(errno)
	}
	panic(syscall.Exec(path, append([]string{"orderfold"}, os.Args[1:]...), []string{}))
}

func (d *limitedDisk) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), limitable+"="+binaries.orderfold)
	return cmd
}

func (d *limitedDisk) fill(p *process) { require.Zero(d.t, d.limit(p, 1)) }

func (d *limitedDisk) free(p *process) {
	if errno := d.limit(p, ^uint64(0)); errno != syscall.ESRCH { // the limit ends with the process
		require.Zero(d.t, errno)
	}
}

func (d *limitedDisk) limit(p *process, bytes uint64) syscall.Errno {
	const fileSize = 1 // RLIMIT_FSIZE
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(p.cmd.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	return errno
}

func TestFaultTheDiskIsFull(t *testing.T) {
	t.Run("files cannot grow", func(t *testing.T) { fillAndFree(t, &limitedDisk{t, t.TempDir()}) })
	if d := mountSmallDisk(t); d != nil {
		t.Run("no space is left", func(t *testing.T) { fillAndFree(t, d) })
	}
}

func fillAndFree(t *testing.T, d disk) {
	_, name, _ := strings.Cut(t.Name(), "/")
	l := newLedger(t, strings.ReplaceAll(name, "_", " "))
	wanted := []string{"receiver", "api", "log"}
	args := append([]string{"serve", "--data", d.data(), "--append-timeout", "1s"}, freePorts...)
	p := startCommand(t, wanted, d.command(args...))
	for round := range min(10, *faultRounds) {
		o := l.post(posters, p.addrs["receiver"])
		atRandom(o, 500)
		d.fill(p)
		await(t, "the posters are refused", o.refused.more(2*posters))
		code, _, body := p.ask("/v1/orders?limit=1")
		require.Equal(t, http.StatusOK, code, "what is known can be read: %s", body)
		if round%2 == 1 { // no space is freed in time
			p.kill()
			o.stop()
			if p, listens := launch(t, wanted, d.command(args...)); listens {
				p.kill()
			} else {
				requireReason(t, p)
			}
			d.free(p)
			p = startCommand(t, wanted, d.command(args...))
		} else {
			d.free(p)
			o.requireGoesOn(100)
			o.stop()
		}
		l.requireAll(operatorURL(t, d.data()), p)
		l.tally.rounds++
	}
	p.stop()
}

func TestFaultTheDiskIsReadOnly(t *testing.T) {
	d := mountSmallDisk(t)
	if d == nil {
		t.Log("no filesystem may be mounted here: nothing was examined")
		return
	}
	l := newLedger(t, "disk read only")
	p := serveOn(t, d.data())
	o := l.post(posters, p.addrs["receiver"])
	o.requireGoesOn(200)
	o.stop()
	p.kill()
	remount := func(flags uintptr) {
		require.NoError(t, syscall.Mount("", d.dir, "", syscall.MS_REMOUNT|flags, ""))
	}
	remount(syscall.MS_RDONLY)
	args := append([]string{"serve", "--data", d.data()}, freePorts...)
	p, listens := launch(t, []string{"receiver", "api", "log"}, d.command(args...))
	require.False(t, listens, "%s", p.stdout)
	requireReason(t, p)
	require.Contains(t, lastLine(p.stderr.String()), "read-only file system")
	require.Contains(t, lastLine(p.stderr.String()), "mount it for writing")
	remount(0)
	p = serveOn(t, d.data())
	l.requireAll(operatorURL(t, d.data()), p)
	l.tally.rounds++
	p.stop()
}
