module github.com/citasync/citasync/functions/settings

go 1.26.0

require (
	github.com/citasync/citasync/shared v0.0.0
	github.com/google/go-cmp v0.7.0
	golang.org/x/net v0.62.0
	golang.org/x/text v0.43.0
)

replace github.com/citasync/citasync/shared => ../../shared
