//go:build linux || darwin || freebsd

package eventlog

import "syscall"

// FreeDisk is the number of bytes that can still be written where the folder is.
func FreeDisk(folder string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, err
	}
	return uint64(fs.Bavail) * uint64(fs.Bsize), nil // the types differ between systems
}
