// Package openapi holds docs/openapi.yaml against what an installation really
// answers: the document is valid, every answer of a walk through the calls and
// their states is one that it describes, to the last member, and everything that
// it describes was seen.
package openapi
