package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// minCompressed is the size of the smallest answer that is compressed, in bytes: one order goes as it is, which takes less time.
const minCompressed = 4 << 10

// compress answers with zstd or gzip, whichever the caller prefers, and zstd when both are the same to it. Tags are weak, so the
// same one stands for every encoding.
func compress(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed))
	if err != nil {
		return nil, fmt.Errorf("api: compression: %w", err)
	}
	return wrap(h), nil
}

// streams reports whether a path is that of a stream, which is not compressed: it has to arrive event by event, and the state of
// a compression for each of a thousand readers would take more memory than all the rest.
func streams(path string) bool { return strings.TrimSuffix(path, "/") == "/v1/stream" }
