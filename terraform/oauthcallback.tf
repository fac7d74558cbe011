# oauthcallback takes Google's answer to a consent and keeps the refresh token.
module "oauthcallback" {
  source = "./modules/function"

  name        = "oauthcallback"
  description = "Takes Google's answer to a consent and keeps the refresh token"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_AND_GCLB"
  size        = local.sizes.oauthcallback
  environment = merge(local.env_backends, local.env_google, local.env_platform, local.env_panel)
  secrets     = { for name in ["GOOGLE_CLIENT_SECRET", "SESSION_SECRETS", "TOKEN_KEYSET"] : name => google_secret_manager_secret.environment[name] }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

# The load balancer passes on who calls: everybody. The function wants a session
# and the state that oauthstart kept.
resource "google_cloud_run_v2_service_iam_member" "oauthcallback_public" {
  name     = module.oauthcallback.function.name
  location = module.oauthcallback.function.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_project_iam_member" "oauthcallback_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = module.oauthcallback.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}

resource "google_project_iam_member" "oauthcallback_refresh_tokens" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_user.id
  member  = module.oauthcallback.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}

# The only account that may make a secret: that of a company's first connection.
resource "google_project_iam_member" "oauthcallback_creates_secrets" {
  project = var.project_id
  role    = google_project_iam_custom_role.secret_creator.id
  member  = module.oauthcallback.member
}

# Wakes maintain, which adds the bookings of before the connection.
resource "google_pubsub_topic_iam_member" "oauthcallback_publishes" {
  topic  = google_pubsub_topic.topic["maintenance"].id
  role   = "roles/pubsub.publisher"
  member = module.oauthcallback.member
}
