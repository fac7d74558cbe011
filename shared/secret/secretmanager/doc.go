// Package secretmanager is a [secret.Store] on Google's Secret Manager, for any
// number of processes at once.
//
// # Names
//
// A company's secret is called google-refresh-token- and the company's id, in
// which lower-case letters, digits and hyphens stand for themselves and any
// other byte is an underscore and its two hexadecimal digits. An id too long
// for that is two underscores and the digits of its SHA-256 instead: what is
// written out never has two in a row. So ids never meet, not even if case made
// no difference to Secret Manager, and access can be granted by the names'
// beginning.
//
// A version's name is its number in the secret with the beginning of a hash of
// its value, since numbers begin at 1 again when a secret is deleted and created
// anew: a name of before finds nothing then. Values are refresh tokens, of which
// no two are the same.
//
// The labels of a secret are app=citasync and, if the id can be one as it is,
// company.
//
// # What it costs
//
// Google bills each version that is not destroyed, and each project may make
// 600 reads, 600 writes and 90,000 accesses a minute. Requests, if none is
// repeated and a company has one version:
//
//	Add       1; for the company's first 3
//	Access    1; 2 if the version is disabled or destroyed
//	Keep      1, and 1 for each version destroyed; 1 more if the one before is
//	          destroyed already
//	Destroy   2
//	Delete    1
//
// # Consistency
//
// Google promises that a version can be accessed by its number as soon as it
// was added; everything else may lag behind for minutes ("Resource
// consistency"). So Access is all that a caller may rely on. Lists may lack the
// newest versions: Keep destroys the one just before the kept one also if it is
// not listed. A secret that was just created may be not found yet: Add tries
// again for some seconds.
//
// # Failures
//
// A request that was not answered is repeated a few times at once. If it was an
// AddSecretVersion that had been carried out, a version remains that nobody
// knows of. It can do no harm but cost, and the company's next Keep or Delete
// destroys it.
//
// # Permissions
//
// secretmanager.versions.add, access, get, list and destroy and
// secretmanager.secrets.delete on the secrets, and secretmanager.secrets.create
// on the project.
package secretmanager
