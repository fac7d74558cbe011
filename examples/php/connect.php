<?php

declare(strict_types=1);

// Begins to connect a company's Google Calendar from a page of your own: php connect.php COMPANY RETURN_URL [CLAIM=VALUE …]
// Prints where to send the browser. It comes back to RETURN_URL with integration=google-calendar&result=… in its query.
// The claims are a link's: say the company's name, which the page shows, unless a link has said it before.

use Citasync\Token;

require __DIR__ . '/command.php';

[, $company, $return] = $argv + ['', '', ''];
if ($company === '' || $return === '') {
    fail(2, 'usage: php connect.php COMPANY RETURN_URL [CLAIM=VALUE …], such as 2 https://your.example/settings "name=Salón Luz" locale=es');
}
$bearer = (new Token(setting('CITASYNC_SESSION_SECRET')))->sign($company, claims(array_slice($argv, 3)));
$url = rtrim(setting('CITASYNC_URL'), '/');
$context = stream_context_create(['http' => [
    'method' => 'POST',
    'header' => ['Content-Type: application/json', "Authorization: Bearer $bearer"],
    'content' => json_encode(['return_url' => $return], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES),
    'timeout' => 10,
    'ignore_errors' => true, // the body of an error says what is wrong
]]);
$body = @file_get_contents("$url/v1/integrations/google-calendar/enable", false, $context);
if ($body === false) {
    fail(1, "no answer from $url");
}
$answer = json_decode($body, true);
$answer = is_array($answer) ? $answer : [];
if (!isset($answer['authorize_url'])) {
    $words = (string) ($answer['detail'] ?? $answer['title'] ?? 'an answer that is not Citasync\'s');
    fail(1, $words . (($answer['field'] ?? '') === 'return_url' ? ' (in its ALLOWED_RETURN_ORIGINS)' : ''));
}
echo $answer['authorize_url'], "\n";
