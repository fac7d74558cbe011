locals {
  # The Firebase CLI's format, so that the tests read the same file.
  firestore = jsondecode(file("${path.module}/firestore.indexes.json"))

  # The condition under which an account may use this database and no other.
  this_database_only = "resource.name == \"projects/${var.project_id}/databases/${google_firestore_database.this.name}\""
}

resource "google_firestore_database" "this" {
  name                              = var.firestore_database
  location_id                       = coalesce(var.firestore_location, var.region)
  type                              = "FIRESTORE_NATIVE"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"
  deletion_policy                   = "ABANDON" # terraform destroy leaves companies' bookings alone
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"

  depends_on = [google_project_service.enabled]
}

# Composite indexes. The functions wait for them and for the fields below: a query
# fails as long as its index is not built.
resource "google_firestore_index" "composite" {
  for_each = {
    for index in local.firestore.indexes : join(" ", concat(
      [index.collectionGroup, index.queryScope],
      [for f in index.fields : "${f.fieldPath}:${try(f.order, f.arrayConfig)}"],
    )) => index
  }

  database    = google_firestore_database.this.name
  collection  = each.value.collectionGroup
  query_scope = each.value.queryScope

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path   = fields.value.fieldPath
      order        = try(fields.value.order, null)
      array_config = try(fields.value.arrayConfig, null)
    }
  }
}

# Single fields: exempt from indexing, indexed for collection groups, or the time
# at which a document expires. Without "indexes" a field keeps those that every
# field has; with an empty list it has none.
resource "google_firestore_field" "override" {
  for_each = { for f in local.firestore.fieldOverrides : "${f.collectionGroup}/${f.fieldPath}" => f }

  database   = google_firestore_database.this.name
  collection = each.value.collectionGroup
  field      = each.value.fieldPath

  dynamic "index_config" {
    for_each = can(each.value.indexes) ? [each.value.indexes] : []
    content {
      dynamic "indexes" {
        for_each = index_config.value
        content {
          query_scope  = try(indexes.value.queryScope, "COLLECTION")
          order        = try(indexes.value.order, null)
          array_config = try(indexes.value.arrayConfig, null)
        }
      }
    }
  }

  dynamic "ttl_config" {
    for_each = try(each.value.ttl, false) ? [true] : []
    content {}
  }
}

# Rules concern clients that come without an account of IAM: browsers and apps.
# There are none.
resource "google_firebaserules_ruleset" "firestore" {
  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/firestore.rules")
    }
  }

  depends_on = [google_firestore_database.this, google_project_service.enabled]
}

resource "google_firebaserules_release" "firestore" {
  name         = var.firestore_database == "(default)" ? "cloud.firestore" : "cloud.firestore/${var.firestore_database}"
  ruleset_name = "projects/${var.project_id}/rulesets/${google_firebaserules_ruleset.firestore.name}"

  lifecycle {
    replace_triggered_by = [google_firebaserules_ruleset.firestore]
  }
}
