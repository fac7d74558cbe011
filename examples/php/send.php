<?php

declare(strict_types=1);

// Sends one event: php send.php confirmed COMPANY < booking.json
// The booking is what docs/events.md calls data.booking. Prints what became of it; the exit status is 0 if it was stored.

use Citasync\Result;
use Citasync\Webhook;

require __DIR__ . '/command.php';

[, $kind, $company] = $argv + ['', '', ''];
if (!in_array($kind, ['reserved', 'confirmed', 'deleted'], true) || $company === '') {
    fail(2, 'usage: php send.php reserved|confirmed|deleted COMPANY < booking.json');
}
$booking = json_decode((string) stream_get_contents(STDIN), true, 32);
if (!is_array($booking) || array_is_list($booking)) {
    fail(2, 'standard input is not a booking, a JSON object as {"id":"981", …}');
}
$webhook = new Webhook(rtrim(setting('CITASYNC_URL'), '/') . '/webhooks/bookings', setting('CITASYNC_WEBHOOK_SECRET'));
$waiting = function (Result $r, float $pause): void {
    fwrite(STDERR, "{$r->status}: {$r->words}; again in $pause s\n");
};
$result = $webhook->deliver(Webhook::newId(), Webhook::event("booking.$kind", $company, $booking), waiting: $waiting);

echo $result->status, ': ', $result->words, "\n";
foreach ($result->fields as $field => $message) {
    echo "  $field: $message\n";
}
exit($result->ok() ? 0 : 1);
