package openapi

import (
	"testing"

	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// TestExamples: what the document gives as an example is one.
func TestExamples(t *testing.T) {
	d := read(t, source(t))
	check := schema_validation.NewSchemaValidator(config.WithFormatAssertions())
	examples := 0
	of := func(where string, mt *v3.MediaType) {
		for name, example := range mt.Examples.FromOldest() {
			examples++
			var value any
			if err := example.Value.Decode(&value); err != nil {
				t.Fatal(err)
			}
			if ok, errs := check.ValidateSchemaObject(mt.Schema.Schema(), value); !ok {
				t.Errorf("%s, example %s: %v", where, name, explain(errs))
			}
		}
	}
	for item := range d.model.Paths.PathItems.ValuesFromOldest() {
		for op := range item.GetOperations().ValuesFromOldest() {
			if op.RequestBody != nil {
				for mt := range op.RequestBody.Content.ValuesFromOldest() {
					of(op.OperationId, mt)
				}
			}
			for code, response := range op.Responses.Codes.FromOldest() {
				for mt := range response.Content.ValuesFromOldest() {
					of(op.OperationId+" "+code, mt)
				}
			}
		}
	}
	if examples < 10 {
		t.Errorf("%d examples", examples)
	}
}
