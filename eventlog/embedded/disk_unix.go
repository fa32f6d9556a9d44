//go:build linux || darwin || freebsd

package embedded

import (
	"os"
	"syscall"
)

// FreeDisk returns how many bytes can still be written to the file system of the folder.
func FreeDisk(folder string) (uint64, error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, err
	}
	return uint64(fs.Bavail) * uint64(fs.Bsize), nil // the types differ between systems
}

// ownFolder reports whether the path is a folder of this user to which no other user may write.
func ownFolder(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(stat.Uid) == int64(os.Getuid())
}
