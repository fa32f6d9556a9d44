package api

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnOrderIsWrittenAsEncodingJSONWritesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		var o Order
		scramble(random, reflect.ValueOf(&o).Elem())
		var want bytes.Buffer
		require.NoError(t, writeJSON(&want, &o))
		require.Equal(t, want.String(), string(appendOrder(nil, &o)))
		page, next := []Order{o, o}, "next"
		require.Equal(t, string(rendered(List[Order]{page, &next})), string(appendPage(nil, page, orderMembers, &next, nil)))
	}
}

// scramble fills in anything: a field that is added to the view is found to be missing.
func scramble(random *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			scramble(random, v.Field(i))
		}
	case reflect.Pointer:
		if random.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			scramble(random, v.Elem())
		}
	case reflect.Slice:
		if n := random.IntN(4); n < 3 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				scramble(random, v.Index(i))
			}
		}
	case reflect.String:
		texts := []string{"", "DE0007164600", `say "no"`, `a\b`, "a\nb\x00\x7f", "<&>", "Käse  \u2028", "\xff\xfe", "2026-03-02T09:00:00Z"}
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Uint64:
		v.SetUint(random.Uint64() >> random.IntN(65))
	case reflect.Int:
		v.SetInt(int64(random.IntN(1000)))
	default:
		panic("a field of kind " + v.Kind().String())
	}
}
