//go:build !linux && !darwin && !freebsd

package eventlog

import "errors"

// FreeDisk is not known on this system.
func FreeDisk(string) (uint64, error) {
	return 0, errors.New("the free disk size is not known on this system: set a byte limit for the log")
}

func ownFolder(string) bool { return false }
