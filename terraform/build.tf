# Google builds a function's image from its package, under this account and into
# this repository. Accounts that a project has by default may do far more, or,
# in a new project, too little.
resource "google_service_account" "builder" {
  account_id   = "citasync-builder"
  display_name = "Citasync: builds the functions"

  depends_on = [google_project_service.enabled]
}

resource "google_artifact_registry_repository" "functions" {
  repository_id = "citasync"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of Citasync's functions"

  # What an instance may still be started from is kept by the newest versions.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s" # 30 days
    }
  }

  depends_on = [google_project_service.enabled]
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  location   = google_artifact_registry_repository.functions.location
  repository = google_artifact_registry_repository.functions.name
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${google_service_account.builder.email}"
}

resource "google_project_iam_member" "builder_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${google_service_account.builder.email}"
}

# Cloud Run functions copies a package into a bucket of its own, made at the
# first deployment, and builds from there.
resource "google_project_iam_member" "builder_sources" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${google_service_account.builder.email}"

  condition {
    title      = "only_sources"
    expression = <<-EOT
      resource.name.startsWith("projects/_/buckets/gcf-v2-sources-") ||
      resource.name.startsWith("projects/_/buckets/gcf-v2-uploads-") ||
      resource.name.startsWith("projects/_/buckets/${google_storage_bucket.packages.name}")
    EOT
  }
}
