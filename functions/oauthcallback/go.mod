module github.com/citasync/citasync/functions/oauthcallback

go 1.26.0

require github.com/citasync/citasync/shared v0.0.0

replace github.com/citasync/citasync/shared => ../../shared
