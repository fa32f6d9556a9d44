package views

import (
	"os"
	"syscall"
)

// syncFileRangeWrite is SYNC_FILE_RANGE_WRITE of sync_file_range(2), which package syscall does not
// define.
const syncFileRangeWrite = 2

// startWriting asks the system to begin writing the changed pages of a file to disk, and does not
// wait. It is only a hint.
func startWriting(f *os.File) {
	_ = syscall.SyncFileRange(int(f.Fd()), 0, 0, syncFileRangeWrite)
}
