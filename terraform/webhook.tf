# webhook takes the booking platform's signed events and publishes them.
module "webhook" {
  source = "./modules/function"

  name        = "webhook"
  description = "Takes the booking platform's signed events and publishes them"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_AND_GCLB"
  size        = local.sizes.webhook
  environment = local.env_backends
  secrets     = { for name, s in google_secret_manager_secret.environment : name => s if contains(["WEBHOOK_SECRETS", "WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"], name) }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

# The load balancer has no account: it passes on who calls, which is everybody.
# The function looks at signatures, and ingress lets in nobody else.
resource "google_cloud_run_v2_service_iam_member" "webhook_public" {
  name     = module.webhook.function.name
  location = module.webhook.function.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# Reads the country of a company, for its customers' phone numbers.
resource "google_project_iam_member" "webhook_database" {
  project = var.project_id
  role    = "roles/datastore.viewer"
  member  = module.webhook.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}

resource "google_pubsub_topic_iam_member" "webhook_publishes" {
  for_each = toset(["booking-confirmed", "booking-deleted", "booking-reserved"])

  topic  = google_pubsub_topic.topic[each.key].id
  role   = "roles/pubsub.publisher"
  member = module.webhook.member
}
