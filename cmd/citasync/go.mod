module github.com/citasync/citasync/cmd/citasync

go 1.26.0

require (
	github.com/citasync/citasync/shared v0.0.0
	github.com/citasync/citasync/functions/webhook v0.0.0
	github.com/citasync/citasync/functions/onreserve v0.0.0
	github.com/citasync/citasync/functions/onconfirm v0.0.0
	github.com/citasync/citasync/functions/ondelete v0.0.0
	github.com/citasync/citasync/functions/oauthstart v0.0.0
	github.com/citasync/citasync/functions/oauthcallback v0.0.0
	github.com/citasync/citasync/functions/settings v0.0.0
	github.com/citasync/citasync/functions/maintain v0.0.0
)

replace (
	github.com/citasync/citasync/shared => ../../shared
	github.com/citasync/citasync/functions/webhook => ../../functions/webhook
	github.com/citasync/citasync/functions/onreserve => ../../functions/onreserve
	github.com/citasync/citasync/functions/onconfirm => ../../functions/onconfirm
	github.com/citasync/citasync/functions/ondelete => ../../functions/ondelete
	github.com/citasync/citasync/functions/oauthstart => ../../functions/oauthstart
	github.com/citasync/citasync/functions/oauthcallback => ../../functions/oauthcallback
	github.com/citasync/citasync/functions/settings => ../../functions/settings
	github.com/citasync/citasync/functions/maintain => ../../functions/maintain
)
