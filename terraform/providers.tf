terraform {
  # Where the state lies is said at the first init: -backend-config=bucket=…
  # There is no secret in it, but one state only, for whoever deploys.
  backend "gcs" {
    prefix = "citasync"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region

  default_labels = {
    app = "citasync" # so that the bill can be split
  }
}
