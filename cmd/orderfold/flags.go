package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// usageError is a mistake in the command line or the environment: exit code 2.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

const environPrefix = "ORDERFOLD_"

// flags parses args into what define declares, with the environment's twins as defaults. It takes as many operands as
// operands names and returns them.
func (p *program) flags(name, operands string, args []string, define func(*flag.FlagSet)) ([]string, error) {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	define(f)
	if err := p.fromEnviron(f); err != nil {
		return nil, err
	}
	rest, err := parseInterspersed(f, args)
	if errors.Is(err, flag.ErrHelp) {
		p.printFlags(f, operands)
		return nil, err
	}
	if err != nil {
		return nil, usagef("%s: %v; orderfold help %s lists the flags", name, err, name)
	}
	if want := len(strings.Fields(operands)); len(rest) != want {
		if want == 0 {
			return nil, usagef("%s takes no operand, found %q; orderfold help %s lists the flags", name, rest[0], name)
		}
		return nil, usagef("usage: orderfold %s %s [flags]", name, operands)
	}
	return rest, nil
}

// parseInterspersed allows flags after operands: orderfold order ID --json.
func parseInterspersed(f *flag.FlagSet, args []string) (operands []string, err error) {
	for {
		if err := f.Parse(args); err != nil {
			return nil, err
		}
		if f.NArg() == 0 {
			return operands, nil
		}
		operands, args = append(operands, f.Arg(0)), f.Args()[1:]
	}
}

// fromEnviron sets the flags whose twins are in the environment. A repeatable flag takes one value per line.
func (p *program) fromEnviron(f *flag.FlagSet) (err error) {
	f.VisitAll(func(flag *flag.Flag) {
		value, found := p.lookup(twin(flag.Name))
		if !found || err != nil {
			return
		}
		values := []string{value}
		if _, repeatable := flag.Value.(*texts); repeatable {
			values = strings.Split(strings.TrimSpace(value), "\n")
		}
		for _, v := range values {
			if e := f.Set(flag.Name, v); e != nil {
				err = usagef("environment %s: %v", twin(flag.Name), e)
			}
		}
		if list, repeatable := flag.Value.(*texts); repeatable {
			list.replace = true
		}
	})
	return err
}

func twin(name string) string {
	return environPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func (p *program) lookup(name string) (string, bool) {
	for i := len(p.environ) - 1; i >= 0; i-- {
		if value, found := strings.CutPrefix(p.environ[i], name+"="); found {
			return value, true
		}
	}
	return "", false
}

func (p *program) printFlags(f *flag.FlagSet, operands string) {
	fmt.Fprintf(p.stdout, "Usage: orderfold %s\n\n", strings.TrimSpace(f.Name()+" "+operands+" [flags]"))
	f.VisitAll(func(flag *flag.Flag) {
		fmt.Fprintf(p.stdout, "  --%s", flag.Name)
		if d := flag.DefValue; d != "" && d != "false" && d != "0" {
			fmt.Fprintf(p.stdout, " (default %s)", d)
		}
		fmt.Fprintf(p.stdout, "\n        %s\n", flag.Usage)
	})
}

// texts is a repeatable flag. The first value from the command line replaces those of the environment.
type texts struct {
	values  []string
	replace bool
}

func (t *texts) String() string { return "" }

func (t *texts) Set(value string) error {
	if t.replace {
		t.values, t.replace = nil, false
	}
	t.values = append(t.values, value)
	return nil
}

// logger writes to stderr: readable lines on a terminal, JSON elsewhere.
func (p *program) logger(level string) (*zap.Logger, error) {
	at, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, usagef("--log-level: %q is none of debug, info, warn, error", level)
	}
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(config)
	if file, isFile := p.stderr.(*os.File); isFile && isatty.IsTerminal(file.Fd()) {
		config.EncodeLevel = zapcore.CapitalColorLevelEncoder
		encoder = zapcore.NewConsoleEncoder(config)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(p.stderr)), at)), nil
}
