package platform

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// aNotification returns the members of a random notification of an order, each as JSON.
func aNotification(t *rapid.T) []string {
	members := []string{`"orderId":"a"`}
	for i := range rapid.IntRange(0, 5).Draw(t, "members") {
		value := rapid.SampledFrom([]string{`1`, `1.0`, `1.00`, `"x"`, `null`, `{"b":[1,2],"a":{}}`, `"\\u00e9"`, `1e5`, `12345678901234567890.10`}).Draw(t, "value")
		members = append(members, fmt.Sprintf(`"m%d":%s`, i, value))
	}
	return members
}

func orderKey(_ string, body []byte) string {
	var o struct{ OrderID any }
	if json.Unmarshal(body, &o) != nil {
		return ""
	}
	id, _ := o.OrderID.(string)
	return id
}

func TestAnIdentityDependsOnTheNotificationAlone(t *testing.T) {
	e := entries{orderKey}
	rapid.Check(t, func(t *rapid.T) {
		members := aNotification(t)
		bare := "{" + strings.Join(members, ",") + "}"
		want := e.identity("digital-asset-order", []byte(bare))
		space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
		seed := rapid.Uint64().Draw(t, "seed")
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		inner := "{" + strings.Join(members, space+","+space) + space + "}"
		text, err := json.Marshal(inner)
		require.NoError(t, err)
		n := rapid.IntRange(0, 1000).Draw(t, "attempts")
		const event = `"eventType":"DIGITAL_ASSET_ORDER_NOTIFICATION"`
		entry := rapid.SampledFrom([]string{
			fmt.Sprintf(`{%s,"attempts":%d,"body":%s}`, event, n, inner),
			fmt.Sprintf(`{"whatever":%s,"n":%d,%s}`, inner, n, event),
			fmt.Sprintf(`{"payload":%s,%s,"at":%d}`, text, event, n),
			fmt.Sprintf(`{%s,%s,"lastAttempt":{"n":%d},"attempts":%[3]d}`, strings.Join(members, ","), event, n),
		}).Draw(t, "entry")
		object, body := e.read([]byte(entry))
		require.Equal(t, "digital-asset-order", object)
		require.Equal(t, want, e.identity(object, body), "%s", entry)
		other := strings.Replace(bare, `"orderId":"a"`, `"orderId":"a","more":1`, 1)
		require.NotEqual(t, want, e.identity(object, []byte(other)))
		require.NotEqual(t, want, e.identity("customer", []byte(bare)))
	})
}

func FuzzEntry(f *testing.F) {
	for _, entry := range []string{`{"eventType":"A_NOTIFICATION","body":{"orderId":"a"}}`, `{"a":{"b":{"c":{"d":{"orderId":"a"}}}}}`, `17`, `[`, "\xff", `{"a":1,"a":2}`,
		`{"eventType":"A_NOTIFICATION","x":"{}"}`, `{"\ud800":1,"attempts":2}`} {
		f.Add([]byte(entry))
	}
	e := entries{orderKey}
	f.Fuzz(func(t *testing.T, entry []byte) {
		before := string(entry)
		object, body := e.read(entry)
		require.NotEmpty(t, object)
		require.Equal(t, e.identity(object, body), e.identity(object, append([]byte("\uFEFF"), body...)), "a byte order mark makes no difference")
		require.Equal(t, before, string(entry), "an entry is not changed")
	})
}
