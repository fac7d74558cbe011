<?php

declare(strict_types=1);

namespace Citasync;

/**
 * Tells Citasync what happened to a booking: POST /webhooks/bookings, signed as Standard Webhooks says.
 */
final class Webhook
{
    private readonly string $key;

    /**
     * @param string $url    PUBLIC_URL/webhooks/bookings
     * @param string $secret whsec_…, from your configuration
     */
    public function __construct(private readonly string $url, #[\SensitiveParameter] string $secret)
    {
        $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6), true) : false;
        if ($key === false || strlen($key) < 24) {
            throw new \InvalidArgumentException('The webhook secret must be whsec_ and at least 24 bytes in base64');
        }
        $this->key = $key;
    }

    /**
     * The JSON of an event. Milliseconds order two events of the same second.
     *
     * @param 'booking.reserved'|'booking.confirmed'|'booking.deleted' $type
     * @param array<string, mixed>                                     $booking
     */
    public static function event(string $type, string|int $companyId, array $booking, ?\DateTimeImmutable $at = null): string
    {
        $at = ($at ?? new \DateTimeImmutable())->setTimezone(new \DateTimeZone('UTC'));
        return json_encode([
            'type' => $type,
            'timestamp' => $at->format('Y-m-d\TH:i:s.v\Z'),
            'data' => ['company_id' => $companyId, 'booking' => $booking],
        ], JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
    }

    /** An id for an event. Whenever the event is sent again it keeps it. */
    public static function newId(): string
    {
        return 'msg_' . bin2hex(random_bytes(16));
    }

    /** Sends an event once. Result::$again says whether to send it later, with the same id. */
    public function send(string $id, string $body): Result
    {
        $timestamp = (string) time(); // of this attempt
        $signature = base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $this->key, true));
        $context = stream_context_create(['http' => [
            'method' => 'POST',
            'header' => [
                'Content-Type: application/json',
                "webhook-id: $id",
                "webhook-timestamp: $timestamp",
                "webhook-signature: v1,$signature",
            ],
            'content' => $body,
            'timeout' => 10,
            'ignore_errors' => true, // the body of an error says what is wrong
            'follow_location' => 0,
        ]]);
        $http_response_header = [];
        $answer = @file_get_contents($this->url, false, $context);
        if ($answer === false || !preg_match('~^HTTP/\S+ (\d{3})~', $http_response_header[0] ?? '', $status)) {
            return new Result(0, 'no answer', true);
        }
        return Result::of((int) $status[1], $answer);
    }

    /**
     * Sends an event, and again with growing pauses while that may help. In a web request rather put it into the
     * outbox and let a worker send it: a customer should not wait for it.
     *
     * @param list<float>                          $pauses  seconds between the attempts
     * @param (callable(Result, float): void)|null $waiting told what an attempt came to, before its pause
     */
    public function deliver(string $id, string $body, array $pauses = [1, 5, 25], ?callable $waiting = null): Result
    {
        $result = $this->send($id, $body);
        foreach ($pauses as $pause) {
            if (!$result->again) {
                break;
            }
            if ($waiting !== null) {
                $waiting($result, $pause);
            }
            usleep((int) ($pause * (1_000_000 + random_int(0, 250_000))));
            $result = $this->send($id, $body);
        }
        return $result;
    }
}
