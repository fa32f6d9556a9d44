package decode

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/orderfold/orderfold/statemachine"
)

// decoderVersion must be raised when the decoder reads bodies differently, or reports another reason for
// a body that it cannot read: the views contain these reasons, and a verification compares them.
const decoderVersion = 6

// FoldVersion identifies the rules with which views are folded: the decoder, the rank table, the rules of
// breaks and the details. Views of another version are folded again from the log.
func FoldVersion() string {
	tables, err := json.Marshal([]any{statemachine.Statuses(), statemachine.Rules(), statemachine.Details(), statemachine.Version})
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return fmt.Sprintf("%d.%x", decoderVersion, sha256.Sum256(tables))[:10]
}
