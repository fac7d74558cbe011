# settings is the panel, its JSON API and the calendar feeds.
module "settings" {
  source = "./modules/function"

  name        = "settings"
  description = "The panel in which a company turns integrations on and off, its JSON API and the calendar feeds"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_AND_GCLB"
  size        = local.sizes.settings
  environment = merge(local.env_backends, local.env_google, local.env_platform, local.env_panel, local.env_whatsapp)
  secrets     = { for name, s in google_secret_manager_secret.environment : name => s if contains(["GOOGLE_CLIENT_SECRET", "SESSION_SECRETS", "TOKEN_KEYSET", "WHATSAPP_TOKEN"], name) }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

# The load balancer passes on who calls: everybody. The function wants a signed
# link, a session or a bearer token.
resource "google_cloud_run_v2_service_iam_member" "settings_public" {
  name     = module.settings.function.name
  location = module.settings.function.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}

resource "google_project_iam_member" "settings_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = module.settings.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}

# Reads a company's refresh token to give the grant back.
resource "google_project_iam_member" "settings_refresh_tokens" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_user.id
  member  = module.settings.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}

# Deletes the secret then.
resource "google_project_iam_member" "settings_removes_secrets" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_remover.id
  member  = module.settings.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}

# Wakes maintain after a change.
resource "google_pubsub_topic_iam_member" "settings_publishes" {
  topic  = google_pubsub_topic.topic["maintenance"].id
  role   = "roles/pubsub.publisher"
  member = module.settings.member
}
