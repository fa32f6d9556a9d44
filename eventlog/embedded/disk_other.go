//go:build !linux && !darwin && !freebsd

package embedded

import "errors"

// FreeDisk returns an error, because the size is not known on this system.
func FreeDisk(string) (uint64, error) {
	return 0, &Fault{Err: errors.New("the free disk size is not known on this system"), Hint: "set a byte limit for the log"}
}

func ownFolder(string) bool { return false }
