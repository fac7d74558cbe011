# One function: its account, its package, its deployment, and the right to read
# the secrets in its environment. What else its account may do is granted by the
# caller, beside the resource that is meant.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

locals {
  package = "${var.deployment.package_dir}/${var.name}.zip"
}

resource "google_service_account" "function" {
  account_id   = "citasync-${var.name}"
  display_name = "Citasync: ${var.name}"
}

resource "google_secret_manager_secret_iam_member" "function" {
  for_each = var.secrets

  secret_id = each.value.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.function.email}"

  # A grant that is taken away goes after the function has been deployed without
  # the secret.
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_storage_bucket_object" "package" {
  bucket       = var.deployment.bucket
  name         = "${var.name}-${filesha256(local.package)}.zip"
  source       = local.package
  content_type = "application/zip"
}

resource "google_cloudfunctions2_function" "function" {
  name        = var.name
  location    = var.deployment.region
  description = var.description

  build_config {
    runtime           = "go126"
    entry_point       = var.name # becomes FUNCTION_TARGET
    service_account   = var.deployment.builder
    docker_repository = var.deployment.repository

    source {
      storage_source {
        bucket = google_storage_bucket_object.package.bucket
        object = google_storage_bucket_object.package.name
      }
    }
  }

  service_config {
    service_account_email            = google_service_account.function.email
    ingress_settings                 = var.ingress
    max_instance_request_concurrency = var.size.concurrency
    available_cpu                    = tostring(var.size.cpu)
    available_memory                 = "${var.size.memory_mib}Mi"
    max_instance_count               = var.size.max_instances
    min_instance_count               = var.size.min_instances
    timeout_seconds                  = 60 # an attempt, or a run of maintain, ends well before
    environment_variables            = var.environment

    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = secret_environment_variables.value.project
        secret     = secret_environment_variables.value.secret_id
        version    = var.secret_versions[secret_environment_variables.key]
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.function]
}
