# Cloud Scheduler's account gets the right to publish when the API is enabled.
resource "google_cloud_scheduler_job" "sweep" {
  name        = "citasync-sweep"
  description = "Wakes maintain every minute"
  region      = var.region
  schedule    = "* * * * *"
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.topic["maintenance"].id
    data       = base64encode(jsonencode({ task = "sweep" }))
  }
}
