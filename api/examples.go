package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// examplesText contains answers that the handlers gave in a test, which compares them again in
// every run.
//
//go:embed examples.json
var examplesText []byte

// examples contains the examples of the document.
type examples struct {
	// Answers contains the answers by operation and media type.
	Answers map[string]map[string]json.RawMessage `json:"answers"`
	// Problems contains the problems by code.
	Problems map[string]json.RawMessage `json:"problems"`
}

func readExamples() (e examples, err error) {
	if err = json.Unmarshal(examplesText, &e); err != nil {
		err = fmt.Errorf("api: examples.json: %w", err)
	}
	return e, err
}

// problems returns an example of each kind of problem, to which the operations refer.
func (e examples) problems() map[string]*huma.Example {
	all := make(map[string]*huma.Example, len(e.Problems))
	for _, kind := range Problems() {
		if value, ok := e.Problems[kind.Code]; ok {
			all[kind.Code] = &huma.Example{Summary: kind.Title, Description: kind.Do, Value: value}
		}
	}
	return all
}

// show adds the examples of an operation to it.
func (e examples) show(op *huma.Operation) {
	for status, response := range op.Responses {
		for mediaType, content := range response.Content {
			if mediaType == problemType {
				content.Examples = map[string]*huma.Example{}
				for code := range strings.SplitSeq(response.Description, ", ") {
					content.Examples[code] = &huma.Example{Ref: "#/components/examples/" + code}
				}
			} else if value, ok := e.Answers[op.OperationID][mediaType]; ok && status[0] == '2' {
				content.Example = value
			}
		}
	}
}
