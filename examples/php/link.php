<?php

declare(strict_types=1);

// Prints a signed link to a company's panel: php link.php COMPANY [CLAIM=VALUE …]
// In a page: header('Location: ' . $link, true, 303); right when the user clicks, since it opens once and for ten minutes.

use Citasync\Token;

require __DIR__ . '/command.php';

$company = $argv[1] ?? '';
if ($company === '') {
    fail(2, 'usage: php link.php COMPANY [CLAIM=VALUE …], such as 2 "name=Salón Luz" locale=es');
}
$claims = claims(array_slice($argv, 2));
echo (new Token(setting('CITASYNC_SESSION_SECRET')))->link(setting('CITASYNC_URL'), $company, $claims), "\n";
