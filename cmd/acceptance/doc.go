// Package acceptance holds the tests of the whole from outside: what people,
// browsers and platforms do with an installation that runs as a process.
//
//	browser   the panel in a real browser
//	openapi   docs/openapi.yaml against the API's answers
//	php       the platform's side in examples/php
package acceptance
