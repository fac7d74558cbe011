# Cloud Run logs each request with its address. Some addresses let in whoever
# reads them: a signed link, Google's code and its state, a calendar feed, Meta's
# verification. Others name a customer, as a search by the API, or a company's
# account at Google. Such lines are not kept, neither as the request's own address
# nor as the one that a browser came from. What the functions log of these
# requests is kept, and has none of it.
locals {
  letting_in = "[?&](session|hub[.]verify_token|name|phone|account)=|/oauth/callback[?]|/feeds/"
}

resource "google_logging_project_exclusion" "addresses_that_let_in" {
  name        = "citasync-addresses-that-let-in"
  description = "Request logs whose address holds a signed link, a code, a state or a feed's token"
  filter      = <<-EOT
    resource.type="cloud_run_revision"
    log_id("run.googleapis.com/requests")
    (httpRequest.requestUrl=~"${local.letting_in}" OR httpRequest.referer=~"${local.letting_in}")
  EOT

  depends_on = [google_project_service.enabled]
}

# What the functions log is counted here, for the alerts. A filter names messages
# and keys as they stand in the code; scripts/terraform.sh checks that they do.
locals {
  function_logs = <<-EOT
    resource.type="cloud_run_revision"
    resource.labels.service_name=~"^(${join("|", keys(local.default_sizes))})$"
  EOT

  log_metrics = {
    citasync_deliveries_failed = {
      description = "Attempts of a delivery that did not succeed, by class of failure"
      labels      = ["integration", "reason"]
      filter      = <<-EOT
        severity>=WARNING
        jsonPayload.message=("delivery pending" OR "delivery waiting" OR "delivery failed")
      EOT
    }
    citasync_errors = {
      description = "Lines that ask for mending: everything logged as an error, but for requests, which are counted by their status, and notices, which are tried again"
      labels      = ["message"]
      filter      = <<-EOT
        severity>=ERROR
        NOT log_id("run.googleapis.com/requests")
        NOT jsonPayload.message="request failed"
        NOT (
          jsonPayload.message="connection not maintained" AND
          jsonPayload.error=~"^notice "
        )
      EOT
    }
    citasync_notice_failures = {
      description = "Notices to companies that could not be sent and are tried again, and those whose e-mail the server refused for good"
      labels      = ["message"]
      filter      = <<-EOT
        resource.labels.service_name="maintain"
        (
          jsonPayload.message="notice not mailed: the address was refused" OR
          (
            jsonPayload.message="connection not maintained" AND
            jsonPayload.error=~"^notice "
          )
        )
      EOT
    }
    citasync_publish_failures = {
      description = "Booking events that webhook could not publish, and refused with 503"
      labels      = []
      filter      = <<-EOT
        resource.labels.service_name="webhook"
        jsonPayload.message="request failed"
        jsonPayload.status=503
        jsonPayload.error=~"^publish event"
      EOT
    }
    citasync_reauthorisations = {
      description = "Connections that Google no longer accepts, or that lack a scope or their calendar"
      labels      = ["reason"]
      filter      = <<-EOT
        jsonPayload.message=("grant is dead" OR "connection needs re-authorisation")
      EOT
    }
    citasync_refresh_failures = {
      description = "Access tokens that could not be refreshed, for another cause than a dead grant"
      labels      = ["reason"]
      filter      = <<-EOT
        jsonPayload.message="token not refreshed"
      EOT
    }
  }
}

resource "google_logging_metric" "metric" {
  for_each = local.log_metrics

  name             = each.key
  description      = each.value.description
  filter           = "${local.function_logs}${each.value.filter}"
  label_extractors = { for l in each.value.labels : l => "EXTRACT(jsonPayload.${l})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key = labels.value
      }
    }
  }

  depends_on = [google_project_service.enabled]
}
