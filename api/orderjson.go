package api

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// MarshalJSON returns the order with all its members.
func (o Order) MarshalJSON() ([]byte, error) { return appendMembers(nil, &o, orderMembers), nil }

// appendMembers appends an order with only these members.
func appendMembers(b []byte, o *Order, members []member) []byte {
	b = append(b, '{')
	for i := range members {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), members[i].name...), '"', ':')
		b = members[i].json(b, o)
	}
	return append(b, '}')
}

// flat encodes a struct of strings and numbers like encoding/json, but examines its type only once.
type flat[T any] []flatField

type flatField struct {
	head  string // the name, quoted, and a colon
	index int
	omit  bool // leave the field out if it is zero
}

func flatOf[T any]() (all flat[T]) {
	for f := range reflect.TypeFor[T]().Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		all = append(all, flatField{`"` + name + `":`, f.Index[0], options == "omitempty"})
	}
	return all
}

func (all flat[T]) append(b []byte, value *T) []byte {
	v := reflect.ValueOf(value).Elem()
	b = append(b, '{')
	for i := range all {
		f := v.Field(all[i].index)
		if all[i].omit && f.IsZero() {
			continue
		}
		if b[len(b)-1] != '{' {
			b = append(b, ',')
		}
		b = append(b, all[i].head...)
		switch f.Kind() {
		case reflect.String:
			b = appendText(b, f.String())
		case reflect.Uint64:
			b = strconv.AppendUint(b, f.Uint(), 10)
		case reflect.Int:
			b = strconv.AppendInt(b, f.Int(), 10)
		default:
			if text := f.Interface().(*string); text != nil {
				b = appendText(b, *text)
			} else {
				b = append(b, "null"...)
			}
		}
	}
	return append(b, '}')
}

// orNone returns a function that writes null for nil.
func orNone[T any](write func([]byte, *T) []byte) func([]byte, *T) []byte {
	return func(b []byte, v *T) []byte {
		if v == nil {
			return append(b, "null"...)
		}
		return write(b, v)
	}
}

// eachOf returns a function that writes a list.
func eachOf[T any](write func([]byte, *T) []byte) func([]byte, []T) []byte {
	return func(b []byte, list []T) []byte {
		b = append(b, '[')
		for i := range list {
			if i > 0 {
				b = append(b, ',')
			}
			b = write(b, &list[i])
		}
		return append(b, ']')
	}
}

// appendKnown appends a string, or null if the string is empty, which means not known.
func appendKnown(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return appendText(b, text)
}

// appendText appends a string. It leaves a string that needs escapes to encoding/json.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendOddText(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendOddText(b []byte, text string) []byte { return appendAny(b, &text) }

// appendAny appends the output of writeJSON without the final newline.
func appendAny[T any](b []byte, v *T) []byte {
	w := bytes.NewBuffer(b)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // only strings and numbers, so encoding cannot fail
	return bytes.TrimSuffix(w.Bytes(), []byte("\n"))
}
