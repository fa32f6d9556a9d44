package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	environPrefix = "ORDERFOLD_"
	// byteOrderMark is written by some editors at the beginning of a file. It is not part of a
	// secret, and it hides the first line of a certificate from the parser.
	byteOrderMark = "\ufeff"
)

// repeatable is a flag that may be given several times. The first value from the command line
// replaces the values from the environment.
type repeatable interface {
	several() bool
	overridable()
}

// variableless is a flag without a variable, because its name has another meaning in serve, which
// owns the variable.
type variableless interface{ noVariable() bool }

// fromEnviron sets the flags whose variables are in the environment. A repeatable flag takes one
// value per line.
func (p *program) fromEnviron(f *flagSet) (err error) {
	f.VisitAll(func(flag *flag.Flag) {
		if v, ok := flag.Value.(variableless); ok && v.noVariable() {
			return
		}
		value, found, e := p.variable(f, flag.Name)
		err = errors.Join(err, e)
		if !found || err != nil {
			return
		}
		values := []string{value}
		list, several := flag.Value.(repeatable)
		if several && list.several() {
			values = strings.Split(strings.TrimSpace(value), "\n")
		}
		for _, v := range values {
			if e := f.set(flag.Name, strings.TrimSuffix(v, "\r")); e != nil {
				err = usagef("environment %s: %v", twin(flag.Name), e)
			}
		}
		if several {
			list.overridable()
		}
	})
	return err
}

// maxValue is the maximum size in bytes of a file that a variable names.
const maxValue = 64 << 10

// variable returns the value of a flag from the environment: the value of ORDERFOLD_<FLAG>, or the
// contents of the file that ORDERFOLD_<FLAG>_FILE names, which keeps a secret out of the
// environment. If there is a flag --<flag>-file, the second variable belongs to that flag.
func (p *program) variable(f *flagSet, flag string) (value string, found bool, err error) {
	name, fileName := twin(flag), twin(flag+"-file")
	value, found = p.lookup(name)
	file, named := p.lookup(fileName)
	if !named || f.Lookup(flag+"-file") != nil {
		return value, found, nil
	}
	if found {
		return "", false, usagef("environment: set %s or %s, not both", name, fileName)
	}
	text, err := readBounded(file, maxValue)
	if err != nil {
		return "", false, usagef("environment %s: %v", fileName, err)
	}
	return strings.TrimSpace(strings.TrimPrefix(text, byteOrderMark)), true, nil
}

// readBounded returns the contents of a file of at most limit bytes.
func readBounded(path string, limit int64) (string, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", path, limit)
	}
	return string(text), err
}

// twin returns the name of the variable of a flag.
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

// warnUnknownVariables warns of variables that no command reads. A variable for a flag of another
// command is not a mistake, because processes of several commands may share one settings file. The
// values are not printed, since they may be secrets.
func (p *program) warnUnknownVariables() {
	var rest []string // known names, without their common prefix
	for _, variable := range p.environ {
		name, _, _ := strings.Cut(variable, "=")
		own, isOurs := strings.CutPrefix(name, environPrefix)
		if isOurs && rest == nil {
			rest = variables()
		}
		if !isOurs || slices.Contains(rest, own) {
			continue
		}
		hint := "orderfold help COMMAND lists the flags"
		if near := nearest(own, rest); near != "" {
			hint = fmt.Sprintf("did you mean %s%s?", environPrefix, near)
		}
		fmt.Fprintf(p.stderr, "orderfold: warning: no flag has the variable %s, so it is ignored; %s\n", printable(name), hint)
	}
}

// variables returns the variables of the flags of all commands, without their prefix.
func variables() (names []string) {
	(&program{declared: func(f *flagSet) {
		f.VisitAll(func(flag *flag.Flag) {
			name := strings.TrimPrefix(twin(flag.Name), environPrefix)
			names = append(names, name, name+"_FILE")
		})
	}}).declareAll()
	return names
}

// declareAll makes each command declare its flags and do nothing else.
func (p *program) declareAll() {
	for _, c := range commands() {
		_ = c.run(p, context.Background(), nil) // the error is always flag.ErrHelp
	}
}
