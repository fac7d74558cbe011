# Who gets in and where to, who may do what, and what of it is logged.

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

run "source" {
  module {
    source = "./tests/source"
  }
}

run "access" {
  command = apply

  assert {
    condition = {
      for name, f in local.functions : name => f.function.service_config[0].ingress_settings
      } == {
      maintain      = "ALLOW_INTERNAL_ONLY"
      oauthcallback = "ALLOW_INTERNAL_AND_GCLB"
      oauthstart    = "ALLOW_INTERNAL_AND_GCLB"
      onconfirm     = "ALLOW_INTERNAL_ONLY"
      ondelete      = "ALLOW_INTERNAL_ONLY"
      onreserve     = "ALLOW_INTERNAL_ONLY"
      settings      = "ALLOW_INTERNAL_AND_GCLB"
      webhook       = "ALLOW_INTERNAL_AND_GCLB"
    }
    error_message = "A function lets in whom it should not, or not whom it should."
  }

  # Everybody may call the public functions alone: in the whole configuration
  # there is no other grant to everybody.
  assert {
    condition = toset([for file, text in run.source.files : file if can(regex("\"all(Authenticated)?Users\"", text))]) == toset([
      "oauthcallback.tf", "oauthstart.tf", "settings.tf", "webhook.tf",
    ])
    error_message = "A function behind Pub/Sub, or something else, is open to everybody."
  }

  assert {
    condition = alltrue([
      for topic, m in google_cloud_run_v2_service_iam_member.pusher :
      m.role == "roles/run.invoker" && m.name == google_pubsub_subscription.push[topic].name &&
      m.member == "serviceAccount:${google_service_account.pusher[topic].email}"
    ])
    error_message = "An account that calls for Pub/Sub must be allowed to call its own function."
  }

  assert {
    condition = (
      length(setintersection([for a in google_service_account.pusher : a.email], [for f in local.functions : f.service_account.email])) == 0 &&
      length(distinct([for a in google_service_account.pusher : a.email])) == length(google_service_account.pusher)
    )
    error_message = "Who calls a function is another account than who runs it."
  }

  # Every public path, and the function that must answer it; an empty name where
  # the load balancer itself must answer 404.
  assert {
    condition = alltrue([
      for path, function in {
        "/feeds/0a1b2c.ics"                              = "settings"
        "/health"                                        = "settings"
        "/oauth/callback"                                = "oauthcallback"
        "/oauth/start"                                   = "oauthstart"
        "/settings"                                      = "settings"
        "/settings/activity"                             = "settings"
        "/settings/history"                              = "settings"
        "/settings/integrations/google-calendar/disable" = "settings"
        "/settings/integrations/google-calendar/enable"  = "settings"
        "/settings/integrations/google-calendar/options" = "settings"
        "/settings/integrations/google-calendar/test"    = "settings"
        "/settings/static/panel.css"                     = "settings"
        "/v1"                                            = "settings"
        "/v1/activity"                                   = "settings"
        "/v1/bookings"                                   = "settings"
        "/v1/bookings/981"                               = "settings"
        "/v1/integrations"                               = "settings"
        "/v1/integrations/whatsapp/disable"              = "settings"
        "/v1/integrations/whatsapp/enable"               = "settings"
        "/webhooks/bookings"                             = "webhook"
        "/webhooks/whatsapp"                             = "webhook"
        "/"                                              = ""
        "/maintain"                                      = ""
        "/oauth/start/more"                              = ""
        "/onconfirm"                                     = ""
        "/settingsx"                                     = ""
        } : join(" ", [
          for rule in google_compute_url_map.https.path_matcher[0].path_rule : rule.service
          if anytrue([for p in rule.paths : p == path || endswith(p, "/*") && startswith(path, trimsuffix(p, "*"))])
      ]) == try(google_compute_backend_service.function[function].id, "")
    ])
    error_message = "A public path leads to no function, or to another than the one that answers it."
  }

  assert {
    condition = (
      join(" ", flatten([for r in google_compute_url_map.https.host_rule : r.hosts])) == "citas.example.com"
    )
    error_message = "Another host than the domain is answered."
  }

  assert {
    condition = alltrue([
      for action in [google_compute_url_map.https.default_route_action, google_compute_url_map.https.path_matcher[0].default_route_action] :
      action[0].fault_injection_policy[0].abort[0].http_status == 404 && action[0].fault_injection_policy[0].abort[0].percentage == 100
    ])
    error_message = "What stands in no route must be answered with 404."
  }

  assert {
    condition = alltrue([
      for name, neg in google_compute_region_network_endpoint_group.function :
      neg.network_endpoint_type == "SERVERLESS" && neg.cloud_run[0].service == name
    ])
    error_message = "A back end leads to another function."
  }

  assert {
    condition     = google_compute_url_map.http.default_url_redirect[0].https_redirect && google_compute_target_http_proxy.http.url_map == google_compute_url_map.http.id
    error_message = "Plain HTTP must lead to HTTPS."
  }

  assert {
    condition = (
      google_compute_ssl_policy.modern.profile == "MODERN" && google_compute_ssl_policy.modern.min_tls_version == "TLS_1_2" &&
      google_compute_target_https_proxy.https.ssl_policy == google_compute_ssl_policy.modern.id &&
      google_compute_managed_ssl_certificate.domain.managed[0].domains == tolist(["citas.example.com"])
    )
    error_message = "TLS is weaker than it should be, or the certificate another domain's."
  }

  assert {
    condition     = alltrue([for b in google_compute_backend_service.function : !b.log_config[0].enable])
    error_message = "The load balancer would log addresses that hold tokens."
  }

  assert {
    condition = alltrue([
      for address in [
        "https://citas.example.com/settings?session=eyJhbGciOi",
        "https://citas.example.com/settings?lang=es&session=eyJhbGciOi",
        "https://citas.example.com/oauth/callback?state=abc",
        "https://citas.example.com/oauth/callback?error=access_denied&state=abc",
        "https://citas.example.com/oauth/callback?scope=email&code=4%2Fabc",
        "https://citas.example.com/oauth/start?account=luz%40example.com",
        "https://citas.example.com/feeds/0a1b2c.ics",
        "https://citas.example.com/v1/bookings?limit=20&name=Ana",
        "https://citas.example.com/v1/bookings?phone=%2B573001112233",
        "https://citas.example.com/webhooks/whatsapp?hub.mode=subscribe&hub.verify_token=abc&hub.challenge=1",
      ] : can(regex(local.letting_in, address))
    ])
    error_message = "An address that lets in whoever reads it would be logged."
  }

  assert {
    condition = !anytrue([
      for address in [
        "https://citas.example.com/webhooks/bookings",
        "https://citas.example.com/settings/history?cursor=abc",
        "https://citas.example.com/settings/history?state=confirmed&google-calendar=failed",
        "https://citas.example.com/v1/bookings?state=deleted&limit=20",
        "https://citas.example.com/oauth/start",
        "https://citas.example.com/settings?result=connected",
        "https://citas.example.com/v1/bookings?limit=20",
      ] : can(regex(local.letting_in, address))
    ])
    error_message = "Request logs are lost for no reason."
  }

  assert {
    condition = (
      length(regexall(replace(replace(replace(local.letting_in, "[", "\\["), "?", "\\?"), "/[()|.]/", "\\$0"), google_logging_project_exclusion.addresses_that_let_in.filter)) == 2 &&
      !coalesce(google_logging_project_exclusion.addresses_that_let_in.disabled, false)
    )
    error_message = "The exclusion must look at both the request's address and the one it came from."
  }

  # No function is deployed before the indexes that its queries need are built.
  assert {
    condition = alltrue([
      for name in keys(local.functions) : can(regex(
        "(?s)module \"${name}\" {.*?depends_on = \\[[^]]*google_firestore_index.composite, google_firestore_field.override\\]",
        run.source.files["${name}.tf"],
      ))
    ])
    error_message = "A function may be deployed before its indexes."
  }

  # Grants on the whole project have a condition, but for these: to write logs,
  # and to make a secret, where a condition can't help.
  assert {
    condition = toset([
      for block in flatten([for file, text in run.source.files : regexall("(?s)resource \"google_project_iam_member\" \"[a-z_]+\" {.*?\n}", text)]) :
      regex("google_project_iam_member\" \"([a-z_]+)\"", block)[0] if !can(regex("\n  condition {", block))
    ]) == toset(["builder_logs", "oauthcallback_creates_secrets"])
    error_message = "An account may do something in the whole project."
  }

  assert {
    condition = (
      google_project_iam_member.oauthcallback_creates_secrets.role == google_project_iam_custom_role.secret_creator.id &&
      toset(google_project_iam_custom_role.secret_creator.permissions) == toset(["secretmanager.secrets.create"])
    )
    error_message = "Who makes secrets may make them and nothing else."
  }

  # Predefined roles of Secret Manager are granted on a named secret only.
  assert {
    condition = toset([for file, text in run.source.files : file if can(regex("\"roles/secretmanager", text))]) == toset([
      "modules/function/main.tf",
    ]) && length(regexall("roles/secretmanager", run.source.files["modules/function/main.tf"])) == 1
    error_message = "An account may read secrets that are not its own."
  }

  assert {
    condition = !anytrue([
      for file, text in run.source.files :
      can(regex("google_project_iam_(binding|policy)|roles/(owner|editor|viewer|iam.serviceAccountTokenCreator)\"|google_secret_manager_secret_version\" \"[a-z]+\" {\n  secret_data", text))
    ])
    error_message = "A grant is too wide, takes away others, or a secret's value is in the configuration."
  }

  assert {
    condition = alltrue([
      for name, m in {
        maintain      = google_project_iam_member.maintain_refresh_tokens
        oauthcallback = google_project_iam_member.oauthcallback_refresh_tokens
        onconfirm     = google_project_iam_member.onconfirm_refresh_tokens
        ondelete      = google_project_iam_member.ondelete_refresh_tokens
        onreserve     = google_project_iam_member.onreserve_refresh_tokens
        settings      = google_project_iam_member.settings_refresh_tokens
      } :
      m.member == local.functions[name].member &&
      m.role == google_project_iam_custom_role.refresh_token_user.id &&
      m.condition[0].expression == "resource.name.startsWith(\"projects/123456789012/secrets/google-refresh-token-\")"
    ])
    error_message = "An account may read other secrets than companies' refresh tokens."
  }

  assert {
    condition = toset(google_project_iam_custom_role.refresh_token_remover.permissions) == toset(["secretmanager.secrets.delete"]) && alltrue([
      for name, m in {
        maintain = google_project_iam_member.maintain_removes_secrets
        settings = google_project_iam_member.settings_removes_secrets
      } :
      m.member == local.functions[name].member &&
      m.role == google_project_iam_custom_role.refresh_token_remover.id &&
      m.condition[0].expression == "resource.name.startsWith(\"projects/123456789012/secrets/google-refresh-token-\")"
    ])
    error_message = "An account may delete other secrets than companies' refresh tokens."
  }

  assert {
    condition = {
      for name, m in {
        maintain      = google_project_iam_member.maintain_database
        oauthcallback = google_project_iam_member.oauthcallback_database
        oauthstart    = google_project_iam_member.oauthstart_database
        onconfirm     = google_project_iam_member.onconfirm_database
        ondelete      = google_project_iam_member.ondelete_database
        onreserve     = google_project_iam_member.onreserve_database
        settings      = google_project_iam_member.settings_database
        webhook       = google_project_iam_member.webhook_database
      } : name => m.role if m.member == local.functions[name].member && m.condition[0].expression == "resource.name == \"projects/salon-bookings/databases/(default)\""
      } == {
      maintain      = "roles/datastore.user"
      oauthcallback = "roles/datastore.user"
      oauthstart    = "roles/datastore.user"
      onconfirm     = "roles/datastore.user"
      ondelete      = "roles/datastore.user"
      onreserve     = "roles/datastore.user"
      settings      = "roles/datastore.user"
      webhook       = "roles/datastore.viewer"
    }
    error_message = "An account has another access to the database than it needs."
  }

  assert {
    condition = toset(flatten([
      for m in concat(
        values(google_pubsub_topic_iam_member.maintain_publishes),
        [google_pubsub_topic_iam_member.oauthcallback_publishes, google_pubsub_topic_iam_member.settings_publishes],
        values(google_pubsub_topic_iam_member.webhook_publishes),
      ) :
      [for name, t in google_pubsub_topic.topic : "${m.member} ${name}" if t.id == m.topic && m.role == "roles/pubsub.publisher"]
      ])) == toset([
      "${module.webhook.member} booking-confirmed",
      "${module.webhook.member} booking-deleted",
      "${module.webhook.member} booking-reserved",
      "${module.maintain.member} integration-events",
      "${module.maintain.member} maintenance",
      "${module.oauthcallback.member} maintenance",
      "${module.settings.member} maintenance",
    ])
    error_message = "An account may publish where it has nothing to say, or not where it has."
  }

  assert {
    condition = alltrue([
      for topic, m in google_service_account_iam_member.pubsub_makes_tokens :
      m.member == local.pubsub_agent && m.service_account_id == google_service_account.pusher[topic].name &&
      m.role == "roles/iam.serviceAccountOpenIdTokenCreator"
    ])
    error_message = "Pub/Sub must be allowed to make tokens of the accounts that call for it, and of no others."
  }
}
