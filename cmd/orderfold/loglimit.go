package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/orderfold/orderfold/eventlog/embedded"
)

// logLimit changes the size at which the log refuses more, in a running service or a stopped one.
func (p *program) logLimit(ctx context.Context, args []string) (err error) {
	var s settings
	operands, err := p.flags("log limit", "SIZE", args, func(f *flagSet) {
		s.registerCommon(f)
		s.quiet(f, "error")
		s.registerLog(f, false)
	})
	if err != nil {
		return err
	}
	bytes, err := parseSize(operands[0])
	if err != nil {
		return usagef("log limit: %v", err)
	}
	log, err := p.existingLog(ctx, &s, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := log.SetLimit(ctx, bytes); err != nil {
		return err
	}
	info, err := log.Info(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "the log has %s of at most %s; %s left\n", roughSize(info.Bytes), roughSize(uint64(info.MaxBytes)),
		roughSize(uint64(info.MaxBytes)-info.Bytes))
	if s.log.url != "" {
		return nil
	}
	if free, err := embedded.FreeDisk(s.data); err == nil && free < uint64(info.MaxBytes)-info.Bytes {
		fmt.Fprintf(p.stdout, "the disk of %s has only %s left: it will be full before the log\n", s.data, roughSize(free))
	}
	return nil
}

// roughSize formats a number of bytes for people, such as 20.0 GiB.
func roughSize(bytes uint64) string {
	value, unit := float64(bytes), 0
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
