// Package php runs the examples for a platform in PHP, with the real php,
// against an installation that runs as a process.
package php
