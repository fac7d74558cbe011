<?php

declare(strict_types=1);

// Begins to connect a company's Google Calendar from a page of your own: php connect.php COMPANY RETURN_URL
// Prints where to send the browser. It comes back to RETURN_URL with integration=google-calendar&result=… in its query.

use Citasync\Token;

require __DIR__ . '/autoload.php';

[, $company, $return] = $argv + ['', '', ''];
if ($company === '' || $return === '') {
    fwrite(STDERR, "usage: php connect.php COMPANY RETURN_URL\n");
    exit(2);
}
$bearer = (new Token(setting('CITASYNC_SESSION_SECRET')))->sign($company);
$answer = (string) file_get_contents(
    rtrim(setting('CITASYNC_URL'), '/') . '/v1/integrations/google-calendar/enable',
    false,
    stream_context_create(['http' => [
        'method' => 'POST',
        'header' => ['Content-Type: application/json', "Authorization: Bearer $bearer"],
        'content' => json_encode(['return_url' => $return], JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES),
        'timeout' => 10,
        'ignore_errors' => true,
    ]]),
);
$answer = json_decode($answer, true) ?? [];
if (!isset($answer['authorize_url'])) {
    fwrite(STDERR, ($answer['detail'] ?? 'no answer') . "\n");
    exit(1);
}
echo $answer['authorize_url'], "\n";
