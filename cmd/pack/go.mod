module github.com/citasync/citasync/cmd/pack

go 1.26.0
