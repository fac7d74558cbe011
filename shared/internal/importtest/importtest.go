// Package importtest holds the test that enforces which package may import
// which. The test is the description of the architecture that can't go stale.
package importtest
