package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// openTerminal returns both ends of a pseudo terminal.
func openTerminal(t *testing.T) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = near.Close() }) // most cases close it
	control := func(request uintptr, value *int32) {
		connection, err := near.SyscallConn()
		require.NoError(t, err)
		require.NoError(t, connection.Control(func(fd uintptr) {
			_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(value)))
			require.Zero(t, errno)
		}))
	}
	var unlocked, number int32
	control(syscall.TIOCSPTLCK, &unlocked)
	control(syscall.TIOCGPTN, &number)
	far, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return near, far
}

// When the terminal or the other end of a pipe is closed, the program ends and leaves nothing behind.
func TestAProgramWhoseOutputIsClosedEndsAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	served := start(t, []string{"receiver", "api", "log"}, append([]string{"serve", "--data", data}, freePorts...)...)
	play(t, served.addrs["receiver"], "--orders", "20")
	demo := append([]string{"demo", "--orders", "2000"}, freePorts...)
	for _, c := range []struct {
		name     string
		args     []string
		terminal bool // otherwise a pipe
		session  bool // it is the controlling terminal, so that SIGHUP comes as well
		stderr   bool // otherwise stdout
	}{
		{"a demo whose terminal is closed", demo, true, true, false},
		{"a demo on a terminal that does not control it", demo, true, false, false},
		{"a demo in a pipe", demo, false, false, false},
		{"a demo whose log is in a pipe", append(demo, "--log-level", "debug"), false, false, true},
		{"tail in a pipe", []string{"tail", "--data", data, "--follow"}, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			temporary := t.TempDir()
			cmd := exec.Command(binaries.orderfold, c.args...)
			cmd.Env = append(os.Environ(), "TMPDIR="+temporary)
			near, far, err := os.Pipe()
			require.NoError(t, err)
			if c.terminal {
				near, far = openTerminal(t)
			}
			switch {
			case c.stderr:
				cmd.Stderr = far
			case c.terminal:
				cmd.Stdin, cmd.Stdout, cmd.Stderr = far, far, far
			default:
				cmd.Stdout = far
			}
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: c.session, Setctty: c.session}
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() }) // the process has ended, unless the test fails
			require.NoError(t, far.Close())
			_, err = bufio.NewReader(near).ReadString('\n')
			require.NoError(t, err)
			require.NoError(t, near.Close())
			if c.args[0] == "tail" {
				post(t, served.addrs["receiver"], "customer", `{"customerId":"to be printed"}`)
			}
			require.NoError(t, cmd.Wait())
			left, err := os.ReadDir(temporary)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
	served.stop()
}
