# An alert's name is that of its playbook in docs/playbooks, which goes out with
# it. A query is PromQL over Cloud Monitoring's metrics, which it names by the
# rules of "Mapping Cloud Monitoring metric names to PromQL" in its documentation.
locals {
  playbooks = "https://github.com/citasync/citasync/blob/main/docs/playbooks"

  run = "monitored_resource=\"cloud_run_revision\""

  # for: how long the query must hold, in seconds.
  alerts = {
    backlog = {
      title    = "Booking events wait for more than ten minutes"
      severity = "ERROR"
      for      = 300
      # One event that is refused again and again is old as well: it becomes a
      # dead letter, of which another alert tells.
      query = <<-EOT
        max by (subscription_id) (pubsub_googleapis_com:subscription_oldest_unacked_message_age{monitored_resource="pubsub_subscription", subscription_id=~"onconfirm|ondelete|onreserve"}) > 600
        and on (subscription_id)
        max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource="pubsub_subscription", subscription_id=~"onconfirm|ondelete|onreserve"}) > 10
      EOT
    }
    certificate = {
      title    = "The domain's certificate expires in less than a fortnight"
      severity = "ERROR"
      for      = 3600
      query    = <<-EOT
        min(monitoring_googleapis_com:uptime_check_time_until_ssl_cert_expires{monitored_resource="uptime_url", host="${var.domain}"}) < 14
      EOT
    }
    dead-letters = {
      title    = "Booking events that no function could record"
      severity = "CRITICAL"
      for      = 0
      query    = <<-EOT
        max(max_over_time(pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource="pubsub_subscription", subscription_id="${google_pubsub_subscription.dead_letters.name}"}[10m])) > 0
      EOT
    }
    delivery-failures = {
      title    = "Many deliveries fail"
      severity = "WARNING"
      for      = 600
      query    = <<-EOT
        sum by (integration, reason) (increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_deliveries_failed"].name}{monitored_resource="cloud_run_revision", reason=~"network|outage|quota|rejected"}[30m])) > 50
      EOT
    }
    errors = {
      title    = "Something failed that is ours to mend"
      severity = "ERROR"
      for      = 0
      query    = <<-EOT
        sum by (service_name, message) (increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_errors"].name}{monitored_resource="cloud_run_revision"}[10m])) > 0
      EOT
    }
    latency = {
      title    = "One request in a hundred is slow"
      severity = "WARNING"
      for      = 600
      # A handful of requests has no percentiles: each cold start would tell.
      query = <<-EOT
        (
          histogram_quantile(0.99, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{${local.run}, service_name=~"oauthcallback|oauthstart|settings|webhook"}[15m]))) > 5000
          or
          histogram_quantile(0.99, sum by (service_name, le) (rate(run_googleapis_com:request_latencies_bucket{${local.run}, service_name=~"onconfirm|ondelete|onreserve"}[15m]))) > 30000
        )
        and on (service_name)
        sum by (service_name) (increase(run_googleapis_com:request_count{${local.run}}[15m])) > 100
      EOT
    }
    maintain-stopped = {
      title    = "maintain has not done its work for ten minutes"
      severity = "CRITICAL"
      for      = 300
      query    = <<-EOT
        (sum(increase(run_googleapis_com:request_count{${local.run}, service_name="maintain", response_code_class="2xx"}[10m])) or vector(0)) < 1
      EOT
    }
    notice-backlog = {
      title    = "Notices wait for the platform for more than an hour"
      severity = "ERROR"
      for      = 300
      query    = <<-EOT
        max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{monitored_resource="pubsub_subscription", subscription_id="${google_pubsub_topic.topic["integration-events"].name}"}) > 3600
      EOT
    }
    notice-failures = {
      title    = "Companies can't be told what became of their integrations"
      severity = "ERROR"
      for      = 0
      # A notice is tried again after six hours at the latest: thirteen hold three
      # attempts of the same one. An address that is refused is its company's
      # affair; many are ours.
      query = <<-EOT
        sum(increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_notice_failures"].name}{monitored_resource="cloud_run_revision", message="connection not maintained"}[13h])) > 2
        or
        sum(increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_notice_failures"].name}{monitored_resource="cloud_run_revision", message="notice not mailed: the address was refused"}[13h])) > 5
      EOT
    }
    publish-failures = {
      title    = "webhook can't publish booking events"
      severity = "CRITICAL"
      for      = 0
      query    = <<-EOT
        sum(increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_publish_failures"].name}{monitored_resource="cloud_run_revision"}[10m])) > 0
      EOT
    }
    reauthorisations = {
      title    = "Many companies lost their connection to Google"
      severity = "ERROR"
      for      = 0
      # One company that ends its connection at Google is told by the panel. Many
      # at once have a common cause.
      query = <<-EOT
        sum by (reason) (increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_reauthorisations"].name}{monitored_resource="cloud_run_revision"}[6h])) > 5
      EOT
    }
    refresh-failures = {
      title    = "Access tokens are not refreshed"
      severity = "ERROR"
      for      = 300
      query    = <<-EOT
        sum by (reason) (increase(logging_googleapis_com:user_${google_logging_metric.metric["citasync_refresh_failures"].name}{monitored_resource="cloud_run_revision"}[15m])) > 10
      EOT
    }
    server-errors = {
      title    = "More than one request in twenty fails"
      severity = "ERROR"
      for      = 300
      query    = <<-EOT
        (
          sum by (service_name) (increase(run_googleapis_com:request_count{${local.run}, response_code_class="5xx"}[15m]))
          / on (service_name)
          sum by (service_name) (increase(run_googleapis_com:request_count{${local.run}}[15m]))
        ) > 0.05
        and on (service_name)
        sum by (service_name) (increase(run_googleapis_com:request_count{${local.run}, response_code_class="5xx"}[15m])) > 5
      EOT
    }
    unreachable = {
      title    = "The installation can't be reached"
      severity = "CRITICAL"
      for      = 300
      query    = <<-EOT
        avg by (check_id) (avg_over_time(monitoring_googleapis_com:uptime_check_check_passed{monitored_resource="uptime_url", host="${var.domain}"}[10m])) < 0.5
      EOT
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  display_name = "Citasync's operators"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.enabled]
}

resource "google_monitoring_alert_policy" "alert" {
  # Where nothing is pushed to the platform, nothing waits for it.
  for_each = { for name, alert in local.alerts : name => alert if name != "notice-backlog" || var.platform_push != null }

  display_name          = "Citasync: ${each.value.title}"
  severity              = each.value.severity
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.id]

  conditions {
    display_name = each.key
    condition_prometheus_query_language {
      query               = trimspace(each.value.query)
      duration            = "${each.value.for}s"
      evaluation_interval = "60s"

      # A metric is known only once something was counted: some never are.
      disable_metric_validation = true
    }
  }

  alert_strategy {
    auto_close = "3600s"
  }

  documentation {
    mime_type = "text/markdown"
    content   = file("${path.module}/../docs/playbooks/${each.key}.md")
    links {
      display_name = "Playbook"
      url          = "${local.playbooks}/${each.key}.md"
    }
  }

  user_labels = { playbook = each.key }
}

# Both ways in, through the load balancer and its certificate: a GET of the
# webhook's path is refused by webhook itself.
resource "google_monitoring_uptime_check_config" "public" {
  for_each = {
    settings = { path = "/health", status = 200 }
    webhook  = { path = "/webhooks/bookings", status = 405 }
  }

  display_name = "Citasync: ${each.key}"
  period       = "300s"
  timeout      = "10s"

  http_check {
    path         = each.value.path
    port         = 443
    use_ssl      = true
    validate_ssl = true

    accepted_response_status_codes {
      status_value = each.value.status
    }
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      host       = var.domain
      project_id = var.project_id
    }
  }

  depends_on = [google_project_service.enabled]
}
