# Where records and messages are, how messages are delivered, and who is told when they are not.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  alert_email           = "ops@example.com"
  domain                = "citas.example.com"
  google_client_id      = "1234-abc.apps.googleusercontent.com"
  package_dir           = "tests/packages"
  platform_settings_url = "https://booking.example.com/integrations?company={company}"
  project_id            = "salon-bookings"
  region                = "europe-west1"
}

run "delivery" {
  command = apply

  assert {
    condition = (
      google_firestore_database.this.type == "FIRESTORE_NATIVE" &&
      google_firestore_database.this.location_id == "europe-west1" &&
      google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED" &&
      google_firestore_database.this.deletion_policy == "ABANDON" &&
      google_firestore_database.this.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED"
    )
    error_message = "The database is not protected."
  }

  assert {
    condition     = length(google_firestore_index.composite) == length(local.firestore.indexes)
    error_message = "Two indexes of firestore.indexes.json are one."
  }

  assert {
    condition = alltrue([
      for f in local.firestore.fieldOverrides : anytrue([
        for r in google_firestore_field.override :
        r.collection == f.collectionGroup && r.field == f.fieldPath &&
        length(r.ttl_config) == (try(f.ttl, false) ? 1 : 0) &&
        (can(f.indexes) ? length(try(r.index_config[0].indexes, [])) == length(f.indexes) : true)
      ])
    ])
    error_message = "A field of firestore.indexes.json is not as it says."
  }

  assert {
    condition     = can(regex("allow read, write: if false;", google_firebaserules_ruleset.firestore.source[0].files[0].content)) && length(regexall("\\ballow\\b", replace(google_firebaserules_ruleset.firestore.source[0].files[0].content, "/\\/\\/.*/", ""))) == 1
    error_message = "The rules must refuse everybody."
  }

  assert {
    condition = { for topic, s in google_pubsub_subscription.push : topic => s.name } == {
      booking-confirmed = "onconfirm"
      booking-deleted   = "ondelete"
      booking-reserved  = "onreserve"
      maintenance       = "maintain"
    }
    error_message = "A topic has not the function behind it that it should."
  }

  assert {
    condition = alltrue([
      for topic, s in google_pubsub_subscription.push :
      s.topic == google_pubsub_topic.topic[topic].id &&
      s.push_config[0].push_endpoint == local.functions[s.name].function.service_config[0].uri &&
      s.push_config[0].oidc_token[0].audience == local.functions[s.name].function.service_config[0].uri &&
      s.push_config[0].oidc_token[0].service_account_email == google_service_account.pusher[topic].email
    ])
    error_message = "A subscription must call its function, in the name of its own account."
  }

  # An attempt takes 40 s at most, a run of maintain 50 s.
  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.push :
      s.ack_deadline_seconds > 50 && s.ack_deadline_seconds >= local.functions[s.name].function.service_config[0].timeout_seconds
    ])
    error_message = "A message would be delivered again while it is worked on."
  }

  assert {
    condition = alltrue([
      for s in google_pubsub_subscription.push :
      s.retry_policy[0].minimum_backoff == "10s" && s.retry_policy[0].maximum_backoff == "600s"
    ])
    error_message = "Backoff goes from 10 to 600 seconds, Pub/Sub's whole range."
  }

  assert {
    condition = alltrue([
      for topic in ["booking-confirmed", "booking-deleted", "booking-reserved"] :
      google_pubsub_subscription.push[topic].dead_letter_policy[0].max_delivery_attempts == 20 &&
      google_pubsub_subscription.push[topic].dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.topic["booking-dead-letter"].id &&
      google_pubsub_subscription.push[topic].message_retention_duration == "604800s"
    ])
    error_message = "A booking event that is refused twenty times must become a dead letter."
  }

  assert {
    condition = (
      length(google_pubsub_subscription.push["maintenance"].dead_letter_policy) == 0 &&
      google_pubsub_subscription.push["maintenance"].message_retention_duration == "600s"
    )
    error_message = "A message that only wakes maintain is no dead letter, and soon worth nothing."
  }

  assert {
    condition = (
      google_pubsub_subscription.dead_letters.topic == google_pubsub_topic.topic["booking-dead-letter"].id &&
      google_pubsub_subscription.dead_letters.message_retention_duration == "2678400s" &&
      length(google_pubsub_subscription.dead_letters.push_config) == 0
    )
    error_message = "Dead letters must be kept for 31 days, until somebody pulls them."
  }

  assert {
    condition     = alltrue([for s in concat(values(google_pubsub_subscription.push), [google_pubsub_subscription.dead_letters]) : s.expiration_policy[0].ttl == ""])
    error_message = "A quiet month would delete a subscription."
  }

  assert {
    condition = (
      google_pubsub_topic_iam_member.dead_letters.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com" &&
      google_pubsub_topic_iam_member.dead_letters.role == "roles/pubsub.publisher" &&
      google_pubsub_topic_iam_member.dead_letters.topic == google_pubsub_topic.topic["booking-dead-letter"].id
    )
    error_message = "Pub/Sub must be allowed to publish dead letters."
  }

  assert {
    condition = { for topic, m in google_pubsub_subscription_iam_member.dead_letters : topic => [m.role, m.member, m.subscription] } == {
      for topic in ["booking-confirmed", "booking-deleted", "booking-reserved"] :
      topic => ["roles/pubsub.subscriber", local.pubsub_agent, google_pubsub_subscription.push[topic].id]
    }
    error_message = "Pub/Sub must be allowed to take dead letters off their subscriptions."
  }

  assert {
    condition = (
      google_cloud_scheduler_job.sweep.schedule == "* * * * *" &&
      google_cloud_scheduler_job.sweep.pubsub_target[0].topic_name == google_pubsub_topic.topic["maintenance"].id &&
      base64decode(google_cloud_scheduler_job.sweep.pubsub_target[0].data) == "{\"task\":\"sweep\"}"
    )
    error_message = "maintain must be woken every minute."
  }

  assert {
    condition     = toset([for a in google_monitoring_alert_policy.alert : "${a.conditions[0].display_name}.md"]) == setsubtract(fileset("../docs/playbooks", "*.md"), ["README.md", "notice-backlog.md"])
    error_message = "An alert without a playbook, or a playbook without its alert."
  }

  # Cloud Monitoring's limits.
  assert {
    condition     = alltrue([for a in google_monitoring_alert_policy.alert : length(a.documentation[0].content) <= 8192 && length(base64encode(a.documentation[0].content)) * 3 / 4 <= 10240])
    error_message = "A playbook is too long to go out with its alert."
  }

  assert {
    condition = alltrue([
      for name, a in google_monitoring_alert_policy.alert :
      startswith(a.documentation[0].content, "# ") && endswith(a.documentation[0].links[0].url, "/docs/playbooks/${name}.md") &&
      a.notification_channels == tolist([google_monitoring_notification_channel.email.id])
    ])
    error_message = "An alert does not say what to do, or tells nobody."
  }

  # A multiple of the interval at which it is looked at; longer than 31 days it can't be.
  assert {
    condition     = alltrue([for a in local.alerts : a.for % 60 == 0 && a.for >= 0 && a.for <= 3600])
    error_message = "An alert's duration is not whole minutes."
  }

  assert {
    condition = alltrue([
      for m in google_logging_metric.metric :
      startswith(m.filter, "resource.type=\"cloud_run_revision\"\n") &&
      join(" ", keys(m.label_extractors)) == join(" ", sort([for l in m.metric_descriptor[0].labels : l.key]))
    ])
    error_message = "A metric counts other lines than the functions', or a label comes from nowhere."
  }

  assert {
    condition = alltrue([
      for name, m in google_logging_metric.metric :
      anytrue([for a in google_monitoring_alert_policy.alert : strcontains(a.conditions[0].condition_prometheus_query_language[0].query, "logging_googleapis_com:user_${name}{")])
    ])
    error_message = "A metric is counted for no alert."
  }

  # An alert of its own tells of notices, which are tried again: not the one that
  # asks to mend at once whatever is logged as an error.
  assert {
    condition = alltrue([
      for pattern in ["message=\"connection not maintained\" AND", "error=~\"^notice \""] :
      strcontains(google_logging_metric.metric["citasync_notice_failures"].filter, pattern) &&
      strcontains(replace(google_logging_metric.metric["citasync_errors"].filter, "/(?s).*NOT \\(/", ""), pattern)
    ])
    error_message = "A notice that could not be sent is counted nowhere, or twice."
  }

  assert {
    condition     = google_monitoring_notification_channel.email.labels.email_address == "ops@example.com"
    error_message = "Alerts go to somebody else."
  }
}
