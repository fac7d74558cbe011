# maintain does what is due: deliveries that failed, passes after a change of
# connection, disconnections that did not end.
module "maintain" {
  source = "./modules/function"

  name        = "maintain"
  description = "Does what is due: deliveries that failed, passes after a change of connection"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_ONLY"
  size        = local.sizes.maintain
  environment = merge(local.env_backends, local.env_google, local.env_mail, local.env_platform, local.env_whatsapp)
  secrets     = { for name, s in google_secret_manager_secret.environment : name => s if contains(["GOOGLE_CLIENT_SECRET", "SMTP_URL", "TOKEN_KEYSET", "WHATSAPP_TOKEN"], name) }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

resource "google_project_iam_member" "maintain_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = module.maintain.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}

# Refreshes tokens as the functions behind the topics do.
resource "google_project_iam_member" "maintain_refresh_tokens" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_user.id
  member  = module.maintain.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}

# Ends connections, as settings does.
resource "google_project_iam_member" "maintain_removes_secrets" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_remover.id
  member  = module.maintain.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}

# Sends itself a message to go on, and tells of what became of integrations.
resource "google_pubsub_topic_iam_member" "maintain_publishes" {
  for_each = toset(["integration-events", "maintenance"])

  topic  = google_pubsub_topic.topic[each.key].id
  role   = "roles/pubsub.publisher"
  member = module.maintain.member
}
