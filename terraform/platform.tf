# Notices (docs/notices.md), pushed to an address of the booking platform's where
# one is given: beside the functions, the only way out of this configuration.

# In whose name the platform is called. It has no role anywhere: the platform
# checks the token, and knows by this account who calls.
resource "google_service_account" "platform" {
  count = var.platform_push == null ? 0 : 1

  account_id   = "citasync-push-platform"
  display_name = "Citasync: calls the booking platform for Pub/Sub"

  depends_on = [google_project_service.enabled]
}

resource "google_service_account_iam_member" "pubsub_makes_platform_tokens" {
  count = length(google_service_account.platform)

  service_account_id = google_service_account.platform[count.index].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent
}

# A notice that the platform does not take is sent again for a week, every ten
# minutes in the end, so that an outage of days loses nothing and asks nothing of
# anybody afterwards. There are no dead letters: Pub/Sub makes one after 100
# attempts at most, which with this backoff is within sixteen hours, and then
# somebody would have to send each again by hand. One that is refused for a week
# keeps no other waiting, and the API tells the connection's state. An alert tells
# the operator after an hour.
resource "google_pubsub_subscription" "platform" {
  count = length(google_service_account.platform)

  name                       = google_pubsub_topic.topic["integration-events"].name
  topic                      = google_pubsub_topic.topic["integration-events"].id
  ack_deadline_seconds       = 60 # how long the platform may take to answer
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = var.platform_push.endpoint
    oidc_token {
      service_account_email = google_service_account.platform[count.index].email
      audience              = coalesce(var.platform_push.audience, var.platform_push.endpoint)
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  expiration_policy {
    ttl = "" # never, however quiet it is
  }

  depends_on = [google_service_account_iam_member.pubsub_makes_platform_tokens]
}
