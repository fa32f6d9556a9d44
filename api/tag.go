package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// IfNoneMatch is the parameter of every question whose answer has a tag.
type IfNoneMatch struct {
	Known string `header:"If-None-Match" doc:"An ETag received before: 304 when nothing has changed."`
}

// Tagged is embedded in the answers to such questions, which have a Status beside it.
type Tagged struct {
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
}

// privateCache lets a caller keep an answer that it asks for again by its tag.
const privateCache = "private, no-cache"

// tag returns the answer's tag, and the status: 304 when the caller has that answer.
func (m IfNoneMatch) tag(tag string) (t Tagged, status int) {
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

// matches reports whether an If-None-Match header names tag, compared weakly.
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
