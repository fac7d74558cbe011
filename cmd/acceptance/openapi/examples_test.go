package openapi

import (
	"fmt"
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

// example demands that a problem document is the one that the document has as an
// example.
func (c *caller) example(response, name string, got object) {
	c.Helper()
	mt := c.model.Components.Responses.GetOrZero(response).Content.GetOrZero("application/problem+json")
	example, ok := mt.Examples.Get(name)
	if !ok {
		c.Fatalf("there is no example %s of %s", name, response)
	}
	var want object
	if err := example.Value.Decode(&want); err != nil {
		c.Fatal(err)
	}
	if a, b := fmt.Sprint(map[string]any(want)), fmt.Sprint(map[string]any(got)); a != b {
		c.Errorf("the example %s of %s is\n%s, and the answer\n%s", name, response, a, b)
	}
}
