// Package secretmanager is a stand-in for Google's Secret Manager: the gRPC
// service google.cloud.secretmanager.v1.SecretManagerService with what it
// remembers, for tests and for machines that reach no cloud. It asks nobody
// for credentials.
//
// Secrets can be created, read, listed, updated and deleted; versions added,
// read, listed, accessed, enabled, disabled and destroyed. Whatever else the
// service has, and regional secrets, answer Unimplemented. What is there
// follows Google's documentation of the API:
//
//   - names, labels, annotations, payloads and their checksums are validated;
//   - a project may be named by its id or its number, and answers name it by
//     the number, which here is made from the id;
//   - a secret's versions are numbered from 1 and no number comes twice, until
//     the secret is deleted and created again, which begins at 1 anew;
//   - what is done to a version changes its ETag, also if its state was so
//     already; a request with another ETag fails with FailedPrecondition;
//   - a destroyed version stays so, and what is not enabled can't be accessed:
//     both fail with FailedPrecondition;
//   - only an access by number sees a new version for sure; lists may lag
//     behind ([Options].Lag).
//
// [Server.AddFault] spoils calls, and [Server.Calls] tells which were made.
package secretmanager
