<?php

declare(strict_types=1);

// The address to which the topic integration-events is pushed. Try it: php -S 127.0.0.1:8090 notices.php

use Citasync\Notices;
use Citasync\OnceInFiles;
use Citasync\OnceInTable;
use Citasync\PushToken;

require __DIR__ . '/autoload.php';

$notices = static function (): Notices {
    $dir = getenv('CITASYNC_DIR') ?: sys_get_temp_dir() . '/citasync';
    $dsn = getenv('CITASYNC_PDO');
    $token = new PushToken(
        setting('CITASYNC_PUSH_AUDIENCE'),
        setting('CITASYNC_PUSH_EMAIL'),
        getenv('CITASYNC_PUSH_CERTS') ?: 'https://www.googleapis.com/oauth2/v1/certs',
        "$dir/certs.json",
    );
    return new Notices($dsn ? new OnceInTable(new PDO($dsn)) : new OnceInFiles("$dir/notices"), $token);
};

/** @param array<string, mixed> $data */
$tell = static function (string $type, array $data): void {
    $words = match ($type) {
        'integration.needs_reauth' => 'has to reconnect ' . $data['integration'] . ' at ' . $data['settings_url'],
        'integration.caught_up' => 'is complete again: ' . $data['bookings'] . ' added',
        'delivery.failed' => 'has bookings that were refused: ' . $data['bookings'],
        default => null, // acknowledge what you don't know
    };
    if ($words !== null) {
        error_log('company ' . $data['company_id'] . ' ' . $words); // here: a mark in your panel, a message to your user
    }
};

if (($_SERVER['REQUEST_METHOD'] ?? '') !== 'POST') {
    http_response_code(405);
    header('Allow: POST');
    return;
}
try {
    $status = $notices()->receive($_SERVER['HTTP_AUTHORIZATION'] ?? '', (string) file_get_contents('php://input'), $tell);
} catch (Throwable $e) {
    error_log('notice not taken: ' . $e->getMessage());
    $status = 500;
}
http_response_code($status);
