package api_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/orderfold/orderfold/api"
	"github.com/stretchr/testify/require"
)

// All parameters of a list in the document, except those for pages and formats, are in the table of parameters.
func TestTheParametersOfAListMatchTheDocument(t *testing.T) {
	document, err := api.Document()
	require.NoError(t, err)
	type schema struct {
		Type, Format string
		Enum         []string
		Items        *schema
		AnyOf        []schema
	}
	var described struct {
		Paths map[string]struct {
			Get struct {
				Parameters []struct {
					Name, In, Description string
					Schema                schema
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal(document, &described))
	elsewhere := []string{"limit", "cursor", "minSequence", "format", "fields", "totals"}
	for path, parameters := range map[string][]api.Parameter{"/v1/orders": api.OrderParameters(), "/v1/breaks": api.BreakParameters()} {
		var want []api.Parameter
		for _, d := range described.Paths[path].Get.Parameters {
			if d.In != "query" || slices.Contains(elsewhere, d.Name) {
				continue
			}
			p := api.Parameter{Name: d.Name, Doc: d.Description, Values: d.Schema.Enum, Repeatable: d.Schema.Type == "array",
				Boolean: d.Schema.Type == "boolean", Time: len(d.Schema.AnyOf) == 2 && d.Schema.AnyOf[0].Format == "date-time", Day: d.Schema.Format == "date"}
			if p.Repeatable {
				p.Values = d.Schema.Items.Enum
			}
			want = append(want, p)
		}
		require.Greater(t, len(want), 2)
		require.ElementsMatch(t, want, parameters, path)
	}
}
