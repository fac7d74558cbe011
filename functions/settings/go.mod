module github.com/citasync/citasync/functions/settings

go 1.26.0

require github.com/citasync/citasync/shared v0.0.0

require (
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/citasync/citasync/shared => ../../shared
