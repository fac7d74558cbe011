# onreserve brings a company's integrations to a booking that was reserved.
module "onreserve" {
  source = "./modules/function"

  name        = "onreserve"
  description = "Brings a company's integrations to a booking that was reserved"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_ONLY"
  size        = local.sizes.onreserve
  environment = merge(local.env_backends, local.env_google, local.env_whatsapp)
  secrets     = { for name, s in google_secret_manager_secret.environment : name => s if contains(["GOOGLE_CLIENT_SECRET", "TOKEN_KEYSET", "WHATSAPP_TOKEN"], name) }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

resource "google_project_iam_member" "onreserve_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = module.onreserve.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}

# Google may answer a refresh with another refresh token: it becomes a new
# version, and the old one is destroyed.
resource "google_project_iam_member" "onreserve_refresh_tokens" {
  project = var.project_id
  role    = google_project_iam_custom_role.refresh_token_user.id
  member  = module.onreserve.member

  condition {
    title      = "refresh_tokens_only"
    expression = local.refresh_tokens_only
  }
}
