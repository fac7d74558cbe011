# oauthstart sends a browser to Google's consent.
module "oauthstart" {
  source = "./modules/function"

  name        = "oauthstart"
  description = "Sends a browser to Google's consent"
  deployment  = local.deployment
  ingress     = "ALLOW_INTERNAL_AND_GCLB"
  size        = local.sizes.oauthstart
  environment = merge(local.env_backends, local.env_google, local.env_platform, local.env_panel)
  secrets     = { for name in ["GOOGLE_CLIENT_SECRET", "SESSION_SECRETS", "TOKEN_KEYSET"] : name => google_secret_manager_secret.environment[name] }

  secret_versions = local.secret_versions

  depends_on = [google_project_service.enabled, google_firestore_index.composite, google_firestore_field.override]
}

# The load balancer passes on who calls: everybody. The function wants a session.
resource "google_cloud_run_v2_service_iam_member" "oauthstart_public" {
  name     = module.oauthstart.function.name
  location = module.oauthstart.function.location
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# Keeps the authorisation's state. Whether there is a connection already stands
# in the database too: no refresh token is read.
resource "google_project_iam_member" "oauthstart_database" {
  project = var.project_id
  role    = "roles/datastore.user"
  member  = module.oauthstart.member

  condition {
    title      = "this_database_only"
    expression = local.this_database_only
  }
}
