# onconfirm brings a company's integrations to a booking that was confirmed.
module "onconfirm" {
  source = "./modules/function"

  name        = "onconfirm"
  description = "Brings a company's integrations to a booking that was confirmed"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_ONLY"
  size        = local.sizes.onconfirm
  environment = merge(local.env_backends, local.env_google, local.env_whatsapp)
  secrets     = { for name, s in google_secret_manager_secret.environment : name => s if contains(["GOOGLE_CLIENT_SECRET", "TOKEN_KEYSET", "WHATSAPP_TOKEN"], name) }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

resource "google_project_iam_member" "onconfirm_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = module.onconfirm.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}

# Google may answer a refresh with another refresh token: it becomes a new
# version, and the old one is destroyed.
resource "google_project_iam_member" "onconfirm_refresh_tokens" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_user.id
  member  = module.onconfirm.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}
