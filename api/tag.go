package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// IfNoneMatch contains the parameter of every question whose answer has a tag.
type IfNoneMatch struct {
	Known string `header:"If-None-Match" doc:"An ETag received before: 304 if nothing has changed."`
}

// Tagged is embedded in the answers to such questions, next to a field Status.
type Tagged struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
}

// privateCache lets a caller keep an answer and revalidate it by its tag.
const privateCache = "private, no-cache"

// tagOf derives the tag of an answer from the body as it is sent and the lineage of the views.
// Within a lineage, the same body has the same tag, whichever machine or generation of the views it
// comes from. Another body or another lineage has another tag. The tag is weak because it stands
// for every encoding of the body.
func tagOf(lineage uint32, body []byte) string {
	h := sha256.New()
	_, _ = h.Write(binary.BigEndian.AppendUint32(nil, lineage)) // a hash never returns an error
	_, _ = h.Write(body)
	tag := append(make([]byte, 0, 32), `W/"`...)
	tag = base64.RawURLEncoding.AppendEncode(tag, h.Sum(nil)[:sha256.Size/2])
	return string(append(tag, '"'))
}

// rendered returns the output of writeJSON for v.
func rendered(v any) []byte {
	var b bytes.Buffer
	_ = writeJSON(&b, v) // only strings and numbers, so encoding cannot fail
	return b.Bytes()
}

// tag returns the tag of the answer, and its status: 304 if the caller already has it.
func (m IfNoneMatch) tag(lineage uint32, body []byte) (t Tagged, status int) {
	tag := tagOf(lineage, body)
	if m.Known != "" && matches(m.Known, tag) {
		status = http.StatusNotModified
	} else {
		status = http.StatusOK
	}
	return Tagged{ETag: tag, CacheControl: privateCache}, status
}

func unchanged() *huma.Response {
	return &huma.Response{Description: "Nothing has changed since that ETag."}
}

// matches reports whether an If-None-Match header contains the tag, in a weak comparison.
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
