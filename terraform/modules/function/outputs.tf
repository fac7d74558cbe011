output "function" {
  description = "The function as it is deployed."
  value       = google_cloudfunctions2_function.function
}

output "member" {
  description = "The function's account, for grants."
  value       = "serviceAccount:${google_service_account.function.email}"
}

output "package" {
  description = "The object that holds the function's package."
  value       = google_storage_bucket_object.package
}

output "secret_grants" {
  description = "The grants on the secrets of the environment, by variable."
  value       = google_secret_manager_secret_iam_member.function
}

output "service_account" {
  description = "The function's account."
  value       = google_service_account.function
}
