package main

import (
	"fmt"
	"time"
	_ "time/tzdata" // an image may contain only this program
)

// timeZone is a flag whose value is a time zone.
type timeZone struct{ *time.Location }

const defaultZone = "Europe/Berlin"

func (z *timeZone) register(f *flagSet, what string) {
	_ = z.Set(defaultZone) // cannot fail: the zone is part of the program
	f.Var(z, "time-zone", "`zone` "+what+" such as 2026-03-02: a name of the IANA database, such as UTC or Europe/Vienna")
}

// String returns the name of the zone, or "" for the zero value.
func (z *timeZone) String() string {
	if z.Location == nil {
		return ""
	}
	return z.Location.String()
}

// Set accepts the name of a zone. It refuses the zone of the machine, because the content of an
// answer must not depend on where it is made.
func (z *timeZone) Set(name string) error {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return fmt.Errorf("%q is not a time zone; write a name of the IANA database, such as %s or UTC", name, defaultZone)
	}
	z.Location = zone
	return nil
}
