package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// minCompressed is the size of the smallest answer that is compressed, in bytes. One order is sent
// uncompressed, which is faster.
const minCompressed = 4 << 10

// compress answers with zstd or gzip, whichever the caller prefers, and with zstd if the caller
// prefers neither. Tags are weak, so one tag stands for every encoding.
func compress(h http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(minCompressed))
	if err != nil {
		return nil, fmt.Errorf("api: compression: %w", err)
	}
	return wrap(h), nil
}

// streams reports whether a path is that of a stream. A stream is not compressed: it has to arrive
// event by event, and the compression state of a thousand readers would take more memory than
// everything else.
func streams(path string) bool { return strings.TrimSuffix(path, "/") == "/v1/stream" }
