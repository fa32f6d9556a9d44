package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// usageError is a mistake in the command line or the environment, with exit code 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// flagSet contains the flags of a command in groups. Flags that are declared outside a group are
// the command's own.
type flagSet struct {
	*flag.FlagSet
	titles  []string
	titleOf map[string]string // by name of flag
}

func newFlagSet(name string, define func(*flagSet)) *flagSet {
	f := &flagSet{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError), titleOf: map[string]string{}}
	f.SetOutput(io.Discard)
	define(f)
	f.entitle("")
	return f
}

// group begins a group of flags. The returned function ends it: defer f.group("The log")().
func (f *flagSet) group(title string) (end func()) {
	f.entitle("")
	return func() { f.entitle(title) }
}

// entitle puts the flags declared since the last call into the group with that title.
func (f *flagSet) entitle(title string) {
	if !slices.Contains(f.titles, title) {
		f.titles = append(f.titles, title)
	}
	f.VisitAll(func(flag *flag.Flag) {
		if _, found := f.titleOf[flag.Name]; !found {
			f.titleOf[flag.Name] = title
		}
	})
}

// DurationVar declares a flag for a duration. Unlike that of the standard library, it accepts days.
func (f *flagSet) DurationVar(p *time.Duration, name string, value time.Duration, usage string) {
	*p = value
	f.Var((*duration)(p), name, usage)
}

// sizeVar declares a flag for a number of bytes.
func (f *flagSet) sizeVar(p *int64, name string, value int64, usage string) {
	*p = value
	f.Var((*size)(p), name, usage)
}

// flags parses args into the flags that define declares. The variables of the environment are the
// defaults. It accepts as many operands as operands names, and returns them.
func (p *program) flags(name, operands string, args []string, define func(*flagSet)) ([]string, error) {
	f := newFlagSet(name, define)
	if p.declared != nil {
		p.declared(f)
		return nil, flag.ErrHelp
	}
	wrongVariable := p.fromEnviron(f)
	rest, err := f.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.printFlags(f, operands)
		return nil, err
	case wrongVariable != nil:
		return nil, wrongVariable
	case err != nil:
		return nil, usagef("%s: %v; orderfold help %s lists the flags", name, err, name)
	}
	if want := len(strings.Fields(operands)); len(rest) != want {
		if want == 0 {
			return nil, usagef("%s takes no argument, found %q; orderfold help %s lists the flags", name, rest[0], name)
		}
		return nil, usagef("usage: orderfold %s %s [flags]", name, operands)
	}
	p.warnUnknownVariables()
	return rest, nil
}

// parse parses flags and operands in any order, as in orderfold order ID --json, and returns the
// operands.
func (f *flagSet) parse(args []string) (operands []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return append(operands, args...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			operands = append(operands, arg)
			continue
		}
		name, value, given := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		declared := f.Lookup(name)
		switch {
		case declared == nil && (name == "h" || name == "help"):
			return nil, flag.ErrHelp
		case declared == nil:
			return nil, f.unknown(name)
		case given:
		case isSwitch(declared):
			value = "true"
			if len(args) > 0 && (args[0] == "true" || args[0] == "false") {
				value, args = args[0], args[1:]
			}
		case len(args) == 0:
			return nil, fmt.Errorf("--%s needs a value", name)
		default:
			value, args = args[0], args[1:]
		}
		if err := f.set(name, value); err != nil {
			return nil, fmt.Errorf("--%s: %w", name, err)
		}
	}
	return operands, nil
}

func isSwitch(f *flag.Flag) bool {
	b, is := f.Value.(interface{ IsBoolFlag() bool })
	return is && b.IsBoolFlag()
}

// unknown returns the error for a flag that was not declared. The error does not contain the value,
// which may be a secret.
func (f *flagSet) unknown(name string) error {
	var names []string
	f.VisitAll(func(flag *flag.Flag) { names = append(names, "--"+flag.Name) })
	text := fmt.Sprintf("%q is not a flag", "--"+name)
	if name := nearest("--"+name, names); name != "" {
		text += fmt.Sprintf("; did you mean %s?", name)
	}
	return errors.New(text)
}

// set sets a flag. The error describes a valid value.
func (f *flagSet) set(name, value string) error {
	err := f.Set(name, value)
	getter, standard := f.Lookup(name).Value.(flag.Getter)
	if err == nil || !standard {
		return err
	}
	switch getter.Get().(type) {
	case bool:
		return fmt.Errorf("%q is not true or false", value)
	case float64:
		return fmt.Errorf("%q is not a number, such as 0.5", value)
	case uint, uint64:
		return fmt.Errorf("%q is not a whole number of 0 or more, such as 8", value)
	case int, int64:
		return fmt.Errorf("%q is not a whole number, such as 8", value)
	}
	return err
}

// texts contains the values of a flag that can be repeated.
type texts struct {
	values  []string
	replace bool
}

func (t *texts) String() string { return "" }

func (t *texts) several() bool { return true }

func (t *texts) overridable() { t.replace = true }

func (t *texts) Set(value string) error {
	if t.replace {
		t.values, t.replace = nil, false
	}
	t.values = append(t.values, value)
	return nil
}

// logger returns a logger to stderr: readable lines on a terminal, JSON elsewhere.
func (p *program) logger(level string) (*zap.Logger, error) {
	at, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, usagef("--log-level: %s", unknownName("a level", level, []string{"debug", "info", "warn", "error"}, ""))
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(config)
	if isTerminal(p.stderr) {
		config.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(config)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(cleaned{p.stderr, "\n\t\x1b"})), at)), nil
}
