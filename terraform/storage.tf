# The functions' packages. An object's name holds the hash of its content: a
# changed package is another object, and so another deployment.
resource "google_storage_bucket" "packages" {
  name                        = "${var.project_id}-citasync-packages"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # every package can be made again

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 30
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.enabled]
}
