package api

import (
	"maps"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// crossOriginHeaders returns the headers that the document describes. A page of an allowed origin
// may send and read all of them.
func crossOriginHeaders(document *huma.OpenAPI) (sends, reads []string) {
	for _, item := range document.Paths {
		for _, op := range operations(item) {
			for _, p := range op.Parameters {
				if p.In == "header" {
					sends = append(sends, p.Name)
				}
			}
			for _, response := range op.Responses {
				reads = slices.AppendSeq(reads, maps.Keys(response.Headers))
			}
		}
	}
	return sends, reads
}
