package feed

import (
	"fmt"
	"strconv"
	"strings"
)

// encode encodes a value for a header as CloudEvents requires: bytes that are not printable ASCII, and
// space, quote and percent sign, are percent-encoded.
func encode(value string) string {
	plain := 0
	for plain < len(value) && !escapes(value[plain]) {
		plain++
	}
	if plain == len(value) {
		return value
	}
	var b strings.Builder
	b.WriteString(value[:plain])
	for i := plain; i < len(value); i++ {
		if c := value[i]; escapes(c) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func escapes(c byte) bool { return c <= ' ' || c > '~' || c == '"' || c == '%' }

// Decode decodes a value in the headers of an event. A percent sign that does not begin an encoded byte
// stands for itself.
func Decode(value string) string {
	if !strings.Contains(value, "%") {
		return value
	}
	b := make([]byte, 0, len(value))
	for i := 0; i < len(value); i++ {
		if value[i] == '%' && i+2 < len(value) {
			if n, err := strconv.ParseUint(value[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(n))
				i += 2
				continue
			}
		}
		b = append(b, value[i])
	}
	return string(b)
}
