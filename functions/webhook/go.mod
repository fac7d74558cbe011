module github.com/citasync/citasync/functions/webhook

go 1.26.0

require (
	github.com/citasync/citasync/shared v0.0.0
	github.com/google/go-cmp v0.7.0
	github.com/nyaruka/phonenumbers v1.8.1
	github.com/standard-webhooks/standard-webhooks/libraries v0.0.1
)

require (
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/citasync/citasync/shared => ../../shared
