# Secrets in the functions' environment. Terraform makes them empty; the operator
# adds the values, so that none is ever in the state. Companies' refresh tokens
# are secrets too, made by oauthcallback; their names begin otherwise.
locals {
  # What may be left out has its secrets only where it is switched on: a function
  # whose secret has no value can't be deployed. Each function's file names all
  # that it may read, and it reads those of them that are here.
  environment_secrets = merge(
    {
      GOOGLE_CLIENT_SECRET = "citasync-google-client-secret"
      SESSION_SECRETS      = "citasync-session-secrets"
      TOKEN_KEYSET         = "citasync-token-keyset"
      WEBHOOK_SECRETS      = "citasync-webhook-secrets"
    },
    var.notify_from == null ? {} : {
      SMTP_URL = "citasync-smtp-url"
    },
    var.whatsapp == null ? {} : {
      WHATSAPP_APP_SECRET   = "citasync-whatsapp-app-secret"
      WHATSAPP_TOKEN        = "citasync-whatsapp-token"
      WHATSAPP_VERIFY_TOKEN = "citasync-whatsapp-verify-token"
    },
  )

  secret_versions = { for name, v in data.google_secret_manager_secret_version.newest : name => v.version }

  # The condition under which an account may use companies' refresh tokens, and
  # no other secret.
  refresh_tokens_only = "resource.name.startsWith(\"projects/${data.google_project.this.number}/secrets/google-refresh-token-\")"
}

resource "google_secret_manager_secret" "environment" {
  for_each = local.environment_secrets

  secret_id = each.value

  replication {
    auto {}
  }

  # What is switched off goes after the functions that read it have been deployed
  # without it, and not before: until then their instances start with it.
  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.enabled]
}

# The number of the newest version, not its value: a function names it, so that
# a secret that has got a new version is taken up by the next apply.
data "google_secret_manager_secret_version" "newest" {
  for_each = local.environment_secrets

  secret            = google_secret_manager_secret.environment[each.key].id
  fetch_secret_data = false
}

# Predefined roles either lack a permission or have one that is not needed.
resource "google_project_iam_custom_role" "refresh_token_user" {
  role_id     = "citasyncRefreshTokenUser"
  title       = "Citasync: use refresh tokens"
  description = "Reads companies' refresh tokens and replaces them by newer ones."
  permissions = [
    "secretmanager.versions.access",
    "secretmanager.versions.add",
    "secretmanager.versions.destroy",
    "secretmanager.versions.get",
    "secretmanager.versions.list",
  ]

  depends_on = [google_project_service.enabled]
}

resource "google_project_iam_custom_role" "refresh_token_remover" {
  role_id     = "citasyncRefreshTokenRemover"
  title       = "Citasync: remove refresh tokens"
  description = "Deletes the secret of a company that turned an integration off."
  permissions = ["secretmanager.secrets.delete"]

  depends_on = [google_project_service.enabled]
}

# Whoever may make secrets is asked for on the project, where a name's beginning
# can't be demanded. The role can do nothing else, not even read what it made.
resource "google_project_iam_custom_role" "secret_creator" {
  role_id     = "citasyncSecretCreator"
  title       = "Citasync: create secrets"
  description = "Makes the secret of a company that connects for the first time."
  permissions = ["secretmanager.secrets.create"]

  depends_on = [google_project_service.enabled]
}
