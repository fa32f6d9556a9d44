package api

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/orderfold/orderfold/projector/views"
	"github.com/orderfold/orderfold/statemachine"
	"github.com/stretchr/testify/require"
)

// oddTexts contains strings that JSON escapes, and strings that it does not.
var oddTexts = []string{"", "DE0007164600", `say "no"`, `a\b`, "a\nb\x00\x7f", "<&>", "Käse  \u2028", "\xff\xfe", "2026-03-02T09:00:00Z"}

func TestAnOrderIsWrittenAsEncodingJSONWritesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		requireAsJSON[Settlement](t, random)
		requireAsJSON[Notifications](t, random)
		requireAsJSON[Execution](t, random)
		requireAsJSON[Refusal](t, random)
	}
	for _, text := range oddTexts {
		require.Equal(t, string(rendered(text)), string(appendText(nil, text))+"\n")
	}
}

func requireAsJSON[T any](t *testing.T, random *rand.Rand) {
	var value T
	scramble(random, reflect.ValueOf(&value).Elem())
	require.Equal(t, string(rendered(value)), string(flatOf[T]().append(nil, &value))+"\n")
}

func TestAPageIsWrittenAsEncodingJSONWritesIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	schedule, err := statemachine.NewSchedule(nil, nil)
	require.NoError(t, err)
	for range 500 {
		o := statemachine.Order{ID: oddTexts[random.IntN(len(oddTexts))]}
		n := statemachine.Notification{Sequence: random.Uint64(), Status: statemachine.Filled, Executed: "40", AssetClass: statemachine.Traditional, Refused: true}
		for f := range n.Details {
			if detail := statemachine.Field(f); detail != statemachine.Executions {
				n.Details[f] = oddTexts[random.IntN(len(oddTexts))]
			}
		}
		n.Details[statemachine.Executions] = statemachine.FormatExecutions([]statemachine.Execution{{ID: "e", Quantity: "40"}})
		o.Apply(&n)
		order := newOrder(&o, views.Settling{Schedule: schedule, Today: 740000})
		page, next := []Order{order, order}, "next"
		require.Equal(t, string(rendered(List[Order]{page, &next})), string(appendPage(nil, page, orderMembers, next, nil)))
	}
}

// scramble sets every field to a random value, so that a test notices a field that is not written.
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
	case reflect.String:
		v.SetString(oddTexts[random.IntN(len(oddTexts))])
	case reflect.Uint64:
		v.SetUint(random.Uint64() >> random.IntN(65))
	case reflect.Int:
		v.SetInt(int64(random.IntN(1000)))
	default:
		panic("a field of kind " + v.Kind().String())
	}
}
