data "google_project" "this" {}

resource "google_project_service" "enabled" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "calendar-json.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "firebaserules.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ])

  service            = each.key
  disable_on_destroy = false # what else the project does with it is not known here
}

# The first of two steps, by -target: what must be there, and must have been
# there for a minute, before a function can be deployed. In between the operator
# adds the secrets' values. A grant takes a while to be known everywhere, and a
# function that names a secret without a value is not deployed at all.
resource "terraform_data" "foundation" {
  input = {
    services = [for s in google_project_service.enabled : s.service]
    secrets  = [for s in google_secret_manager_secret.environment : s.id]
    grants = concat(
      # one by one, since local.functions would bring the functions themselves
      [for g in concat(
        values(module.maintain.secret_grants),
        values(module.oauthcallback.secret_grants),
        values(module.oauthstart.secret_grants),
        values(module.onconfirm.secret_grants),
        values(module.ondelete.secret_grants),
        values(module.onreserve.secret_grants),
        values(module.settings.secret_grants),
        values(module.webhook.secret_grants),
      ) : g.id],
      [
        google_artifact_registry_repository_iam_member.builder.id,
        google_project_iam_member.builder_logs.id,
        google_project_iam_member.builder_sources.id,
      ],
    )
  }
}
