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

// Tagged is embedded in the answers to such questions.
type Tagged struct {
	Status       int
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
}

// tag returns the answer's tag, and says whether the caller has that answer.
func (m IfNoneMatch) tag(tag string) Tagged {
	t := Tagged{Status: http.StatusOK, ETag: tag, CacheControl: "private, no-cache"}
	if m.Known != "" && matches(m.Known, tag) {
		t.Status = http.StatusNotModified
	}
	return t
}

func (t *Tagged) changed() bool { return t.Status != http.StatusNotModified }

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
