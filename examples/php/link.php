<?php

declare(strict_types=1);

// Prints a signed link to a company's panel: php link.php COMPANY [CLAIM=VALUE …]
// In a page: header('Location: ' . $link, true, 303); right when the user clicks, since it opens once and for ten minutes.

use Citasync\Token;

require __DIR__ . '/autoload.php';

$company = $argv[1] ?? '';
if ($company === '') {
    fwrite(STDERR, "usage: php link.php COMPANY [CLAIM=VALUE …]\n");
    exit(2);
}
$claims = [];
foreach (array_slice($argv, 2) as $claim) {
    [$name, $value] = explode('=', $claim, 2) + ['', ''];
    $claims[$name] = $value;
}
echo (new Token(setting('CITASYNC_SESSION_SECRET')))->link(setting('CITASYNC_URL'), $company, $claims), "\n";
