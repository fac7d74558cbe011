locals {
  # Pub/Sub's own account in this project.
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # Each topic that a function is behind, and what its subscription does with a
  # message that is refused.
  pushed = {
    booking-confirmed = { function = module.onconfirm.function, dead_letters = true, retention = "604800s" }
    booking-deleted   = { function = module.ondelete.function, dead_letters = true, retention = "604800s" }
    booking-reserved  = { function = module.onreserve.function, dead_letters = true, retention = "604800s" }

    # A message only wakes maintain: what is due stands in the database, and the
    # next minute wakes it again. So an old one is worth nothing and no dead
    # letter, where it would only hide those that are.
    maintenance = { function = module.maintain.function, dead_letters = false, retention = "600s" }
  }
}

resource "google_pubsub_topic" "topic" {
  for_each = toset([
    "booking-confirmed",
    "booking-dead-letter",
    "booking-deleted",
    "booking-reserved",
    "integration-events",
    "maintenance",
  ])

  name = each.key

  depends_on = [google_project_service.enabled]
}

# Who calls the function behind a topic: an account for each, which may call
# that function and nothing else.
resource "google_service_account" "pusher" {
  for_each = local.pushed

  account_id   = "citasync-push-${each.value.function.name}"
  display_name = "Citasync: calls ${each.value.function.name} for Pub/Sub"
}

resource "google_cloud_run_v2_service_iam_member" "pusher" {
  for_each = local.pushed

  name     = each.value.function.name
  location = each.value.function.location
  role     = "roles/run.invoker"
  member   = "serviceAccount:${google_service_account.pusher[each.key].email}"
}

# Pub/Sub makes the tokens. Its account has this right on the whole project in
# projects of today; here it does not depend on that.
resource "google_service_account_iam_member" "pubsub_makes_tokens" {
  for_each = local.pushed

  service_account_id = google_service_account.pusher[each.key].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent
}

# A direct push, because an Eventarc trigger can be given neither backoff nor
# dead letters nor this deadline.
resource "google_pubsub_subscription" "push" {
  for_each = local.pushed

  name                       = each.value.function.name
  topic                      = google_pubsub_topic.topic[each.key].id
  ack_deadline_seconds       = 60 # an attempt takes 40 s at most, a run of maintain 50
  message_retention_duration = each.value.retention

  push_config {
    push_endpoint = each.value.function.service_config[0].uri
    oidc_token {
      service_account_email = google_service_account.pusher[each.key].email
      audience              = each.value.function.service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dynamic "dead_letter_policy" {
    for_each = each.value.dead_letters ? [true] : []
    content {
      dead_letter_topic     = google_pubsub_topic.topic["booking-dead-letter"].id
      max_delivery_attempts = 20 # with this backoff, over two hours
    }
  }

  expiration_policy {
    ttl = "" # never, however quiet it is
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.pusher,
    google_service_account_iam_member.pubsub_makes_tokens,
  ]
}

# Dead letters wait here for whoever mends what was wrong, a month at most: the
# longest that Pub/Sub keeps a message.
resource "google_pubsub_subscription" "dead_letters" {
  name                       = "booking-dead-letter"
  topic                      = google_pubsub_topic.topic["booking-dead-letter"].id
  ack_deadline_seconds       = 60
  message_retention_duration = "2678400s"

  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub itself moves dead letters: it publishes them on the topic and takes
# them off the subscription that they come from.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  topic  = google_pubsub_topic.topic["booking-dead-letter"].id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each = { for topic, push in local.pushed : topic => push if push.dead_letters }

  subscription = google_pubsub_subscription.push[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
