# One address for everything that browsers, the booking platform, Google and Meta
# call. Whatever stands in no route is answered here, so that it starts nothing.
locals {
  routes = {
    oauthcallback = ["/oauth/callback"]
    oauthstart    = ["/oauth/start"]
    settings      = ["/feeds/*", "/health", "/settings", "/settings/*", "/v1", "/v1/*"]
    webhook       = ["/webhooks/*"]
  }
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each = local.routes

  name                  = "citasync-${each.key}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = local.functions[each.key].function.name
  }
}

resource "google_compute_backend_service" "function" {
  for_each = local.routes

  name                  = "citasync-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }

  # Addresses hold signed links and Google's codes (see logging.tf). What was
  # asked and answered stands in the functions' logs.
  log_config {
    enable = false
  }
}

resource "google_compute_url_map" "https" {
  name = "citasync"

  # Needed, but never reached: the fault comes first.
  default_service = google_compute_backend_service.function["settings"].id
  default_route_action {
    fault_injection_policy {
      abort {
        http_status = 404
        percentage  = 100
      }
    }
  }

  host_rule {
    hosts        = [var.domain]
    path_matcher = "citasync"
  }

  path_matcher {
    name            = "citasync"
    default_service = google_compute_backend_service.function["settings"].id
    default_route_action {
      fault_injection_policy {
        abort {
          http_status = 404
          percentage  = 100
        }
      }
    }

    dynamic "path_rule" {
      for_each = local.routes
      content {
        paths   = path_rule.value
        service = google_compute_backend_service.function[path_rule.key].id
      }
    }
  }

  # Google tries these when the map is made or changed, and refuses it otherwise.
  dynamic "test" {
    for_each = {
      "/feeds/token.ics"   = "settings"
      "/health"            = "settings"
      "/oauth/callback"    = "oauthcallback"
      "/oauth/start"       = "oauthstart"
      "/settings"          = "settings"
      "/settings/history"  = "settings"
      "/v1"                = "settings"
      "/v1/bookings/981"   = "settings"
      "/webhooks/bookings" = "webhook"
      "/webhooks/whatsapp" = "webhook"
    }
    content {
      host    = var.domain
      path    = test.key
      service = google_compute_backend_service.function[test.value].id
    }
  }
}

resource "google_compute_url_map" "http" {
  name = "citasync-http"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
}

# A certificate is valid once the domain's DNS leads here. A changed domain gets
# another one before this one goes, which is why the name holds it.
resource "google_compute_managed_ssl_certificate" "domain" {
  name = "citasync-${substr(sha256(var.domain), 0, 8)}"

  managed {
    domains = [var.domain]
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.enabled]
}

resource "google_compute_ssl_policy" "modern" {
  name            = "citasync"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.enabled]
}

resource "google_compute_global_address" "public" {
  name = "citasync"

  depends_on = [google_project_service.enabled]
}

resource "google_compute_target_https_proxy" "https" {
  name             = "citasync"
  url_map          = google_compute_url_map.https.id
  ssl_certificates = [google_compute_managed_ssl_certificate.domain.id]
  ssl_policy       = google_compute_ssl_policy.modern.id
}

resource "google_compute_target_http_proxy" "http" {
  name    = "citasync-http"
  url_map = google_compute_url_map.http.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "citasync"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.public.address
  port_range            = "443"
  target                = google_compute_target_https_proxy.https.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "citasync-http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.public.address
  port_range            = "80"
  target                = google_compute_target_http_proxy.http.id
}
